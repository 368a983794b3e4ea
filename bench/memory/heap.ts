/** Longest wait for the inspector, which answers between two turns of the Worker. */
const inspectorTimeoutMs = 10_000;

/**
 * Bytes of V8's heap that the Worker `name` uses: the objects that live, and those that are not yet collected (Chrome
 * DevTools Protocol, Runtime.getHeapUsage).
 */
export async function heapSizeBytes(inspector: URL, name: string): Promise<number> {
  const socket = new WebSocket(new URL(`/core:user:${name}`, inspector));
  try {
    await opened(socket);
    const { usedSize } = (await ask(socket, 1, "Runtime.getHeapUsage")) as { usedSize: number };
    return usedSize;
  } finally {
    socket.close();
  }
}

function opened(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.addEventListener("open", () => resolve(), { once: true });
    socket.addEventListener("error", () => reject(new Error("the inspector refused")), { once: true });
  });
}

function ask(socket: WebSocket, id: number, method: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${method} took too long`)), inspectorTimeoutMs);
    socket.addEventListener("message", function hear({ data }) {
      const answer = JSON.parse(String(data)) as { id?: number; result?: unknown; error?: { message: string } };
      if (answer.id !== id) return;
      clearTimeout(timer);
      socket.removeEventListener("message", hear);
      if (answer.error) reject(new Error(`${method}: ${answer.error.message}`));
      else resolve(answer.result);
    });
    socket.send(JSON.stringify({ id, method }));
  });
}
