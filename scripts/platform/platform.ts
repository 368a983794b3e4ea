import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { convertV4MiniflareOptions, Miniflare, type V4MiniflareOptions } from "miniflare";
import { DataDir, workerdOn } from "./data-dir.ts";
import { migrate } from "./migrations.ts";
import { Operator } from "./operator/operator.ts";
import { expectFree } from "./port.ts";
import { isAlive } from "./processes.ts";
import { RuntimeLog } from "./runtime-log.ts";
import { eachMinute, expectEveryMinute } from "./schedule.ts";
import { keepSignals } from "./signals.ts";
import { reasonOf, StartError } from "./start-error.ts";
import { readWorkerConfig, type WorkerConfig, workerOptions } from "./worker-options.ts";
import { workerConfigs } from "./workers.ts";

/** On two busy cores a start takes 1 to 2 s; the bound is for a machine that swaps. */
const readyMs = 60_000;
const pollMs = 20;
/** How long requests in flight may take to end at a stop; wrangler and load balancers grant about as much. */
const drainMs = 5_000;

export interface PlatformOptions {
  /** Port of the gateway; 0 takes a free one. */
  readonly port: number;
  readonly host: string;
  /** Where all data is kept; created when missing. */
  readonly dataDir: string;
  readonly adminKey: string;
  /** Variables that win over those in wrangler.toml, for the workers that declare them there. */
  readonly vars?: Readonly<Record<string, string>>;
  /** The workers' wrangler.toml files, the gateway last. */
  readonly configs?: readonly string[];
  /** Takes each line that a worker or the runtime logs. */
  readonly log?: (line: string) => void;
  /**
   * Who answers SIGINT, SIGTERM and SIGHUP: by default Miniflare, which ends workerd and exits with 128 + the signal's
   * number; with "caller" nobody does until the caller handles them.
   */
  readonly signals?: "miniflare" | "caller";
}

export interface Platform {
  /** Where the gateway answers, without a slash at the end. */
  readonly url: string;
  /** The runtime's process, `undefined` while there is none. */
  workerdPid(): number | undefined;
  /** Runs the workers' cron triggers now, as each minute does. */
  runScheduled(): Promise<void>;
  /** Settles with the reason when the platform can no longer work and must be stopped. */
  readonly failed: Promise<string>;
  /** Lets requests in flight end, at most 5 s, and gives up port and data. May be called again. */
  stop(): Promise<void>;
}

/**
 * Starts every worker of the platform in one workerd and waits until it is ready.
 *
 * @throws StartError when it cannot start; nothing is left running.
 */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const log = options.log ?? ((line) => console.log(line));
  const configs = (options.configs ?? workerConfigs).map((path) => readWorkerConfig(path));
  const gateway = configs.at(-1);
  if (gateway === undefined) throw new StartError("There is no worker to start");
  for (const config of configs) expectEveryMinute(config.name, config.crons);
  const dataDir = await DataDir.open(options.dataDir);
  const runtimeLog = new RuntimeLog(log);
  const operator = new Operator();
  let miniflare: Miniflare | undefined;
  try {
    await expectFree(options.host, options.port);
    const miniflareOptions = await optionsFor(configs, gateway, options, dataDir, runtimeLog, operator);
    const construct = () => new Miniflare(convertV4MiniflareOptions(miniflareOptions));
    miniflare = options.signals === "caller" ? keepSignals(construct) : construct();
    const platformHost = String(options.vars?.PLATFORM_HOST || gateway.vars.PLATFORM_HOST || "") || undefined;
    const platform = await run(miniflare, configs, gateway, dataDir, runtimeLog, operator, platformHost);
    runtimeLog.started();
    return platform;
  } catch (error) {
    runtimeLog.silence();
    dataDir.forbidWorkerd();
    await miniflare?.dispose().catch(() => {});
    dataDir.close();
    if (error instanceof StartError) throw error;
    throw new StartError(`The runtime does not start: ${runtimeLog.saidAtStart || reasonOf(error)}`, error);
  }
}

async function optionsFor(
  configs: readonly WorkerConfig[],
  gateway: WorkerConfig,
  options: PlatformOptions,
  dataDir: DataDir,
  runtimeLog: RuntimeLog,
  operator: Operator,
): Promise<V4MiniflareOptions> {
  process.env.MINIFLARE_WORKERD_PATH = fileURLToPath(new URL("./workerd.sh", import.meta.url));
  const workers = await Promise.all(
    configs.map(async (config) => {
      const worker = await workerOptions(
        config,
        options.vars ?? {},
        config === gateway ? { ADMIN_KEY: options.adminKey } : {},
      );
      return config === gateway
        ? { ...worker, unsafeDirectSockets: [{ host: options.host, port: options.port }] }
        : worker;
    }),
  );
  return {
    workers: [await operator.workerOptions(configs), ...workers],
    // Miniflare's own entry, which leads to the operator; the gateway's direct socket is four times as fast.
    host: "127.0.0.1",
    port: 0,
    cf: false,
    telemetry: { enabled: false },
    log: runtimeLog,
    handleStructuredLogs: ({ message }) => runtimeLog.worker(message),
    unsafeHandleRuntimeRestart: () => runtimeLog.restarted(),
    resourcePersistencePath: dataDir.resourcesPath,
    unsafeRuntimeEnv: {
      BREAKWATER_DATA_DIR: dataDir.path,
      BREAKWATER_PID_FILE: dataDir.workerdPidFile,
      BREAKWATER_WORKERD: workerdPath(),
    },
  };
}

async function run(
  miniflare: Miniflare,
  configs: readonly WorkerConfig[],
  gateway: WorkerConfig,
  dataDir: DataDir,
  runtimeLog: RuntimeLog,
  operator: Operator,
  platformHost: string | undefined,
): Promise<Platform> {
  await miniflare.ready;
  await migrateAll(miniflare, configs, operator);
  const url = (await miniflare.unsafeGetDirectURL(gateway.name)).origin;
  await answers(`${url}/healthz`, platformHost);
  await answers(`${url}/readyz`, platformHost);

  const runScheduled = async (scheduledMs = Date.now()): Promise<void> => {
    for (const { name, crons } of configs) {
      for (const cron of crons) {
        await operator.ringCron(miniflare, name, cron, scheduledMs);
      }
    }
  };
  const stopSchedule = eachMinute((scheduledMs) =>
    runScheduled(scheduledMs).catch((error) => runtimeLog.warn(`A cron trigger failed: ${reasonOf(error)}`)),
  );
  let stopped: Promise<void> | undefined;
  return {
    url,
    workerdPid: () => workerdOn(dataDir.path),
    runScheduled: () => runScheduled(),
    failed: runtimeLog.failed,
    stop: () => {
      stopped ??= (async () => {
        stopSchedule();
        runtimeLog.silence();
        await drain(dataDir);
        await miniflare.dispose();
        dataDir.close();
      })();
      return stopped;
    },
  };
}

/** Asks workerd to finish the requests in flight and end, and waits until it has or the time is up. */
async function drain(dataDir: DataDir): Promise<void> {
  const pid = workerdOn(dataDir.path);
  dataDir.forbidWorkerd();
  if (pid === undefined) return;
  process.kill(pid, "SIGTERM");
  const givenUpMs = Date.now() + drainMs;
  while (isAlive(pid) && Date.now() < givenUpMs) await sleep(pollMs);
}

async function migrateAll(miniflare: Miniflare, configs: readonly WorkerConfig[], operator: Operator): Promise<void> {
  const done = new Set<string>();
  for (const { databases } of configs) {
    for (const { id, migrationsFolder } of databases) {
      if (done.has(id)) continue;
      done.add(id);
      await migrate(operator.database(miniflare, id), migrationsFolder);
    }
  }
}

/** Waits until `url`, asked under the name of `host` where there is one, answers with a status below 300. */
async function answers(url: string, host: string | undefined): Promise<void> {
  const givenUpMs = Date.now() + readyMs;
  for (;;) {
    let said: string;
    try {
      const { status, body } = await ask(url, host);
      if (status < 300) return;
      said = `${status} ${body}`;
    } catch (error) {
      said = reasonOf(error);
    }
    if (Date.now() > givenUpMs) throw new StartError(`${url} does not get ready: ${said}`);
    await sleep(pollMs);
  }
}

/** Not by `fetch`, which lets nobody choose the Host. */
async function ask(url: string, host: string | undefined): Promise<{ status: number; body: string }> {
  const headers = host === undefined ? {} : { host };
  const request = get(url, { headers, agent: false, signal: AbortSignal.timeout(readyMs) });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return { status: response.statusCode ?? 0, body: await text(response) };
}

function workerdPath(): string {
  const requireFromMiniflare = createRequire(import.meta.resolve("miniflare"));
  return (requireFromMiniflare("workerd") as { default: string }).default;
}
