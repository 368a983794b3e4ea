import { createServer } from "node:net";
import { reasonOf, StartError } from "./start-error.ts";

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: "is taken: set PORT to a free one, or stop what listens there",
  EACCES: "may not be opened by this user: set PORT to 1024 or more",
  EADDRNOTAVAIL: "cannot be opened: HOST is no address of this machine",
  ENOTFOUND: "cannot be opened: HOST is no address and no known name",
};

/** @throws StartError when nothing can listen on `port` of `host`. workerd's own message for it names neither. */
export async function expectFree(host: string, port: number): Promise<void> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host, port, exclusive: true }, resolve);
    });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    throw new StartError(`Port ${port} of ${host} ${reasons[code] ?? `cannot be opened: ${reasonOf(error)}`}`, error);
  }
  await new Promise((resolve) => server.close(resolve));
}
