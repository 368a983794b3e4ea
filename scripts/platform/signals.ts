/** The signals that ask a process to end. */
export const endSignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs `construct` and takes away the handlers of SIGINT, SIGTERM and SIGHUP that it installs: Miniflare's exit the
 * process at once, before a handler of ours could end it in order.
 */
export function keepSignals<T>(construct: () => T): T {
  const before = new Map(endSignals.map((signal) => [signal, process.listeners(signal)]));
  const made = construct();
  for (const [signal, listeners] of before) {
    for (const listener of process.listeners(signal)) {
      if (!listeners.includes(listener)) process.removeListener(signal, listener);
    }
  }
  return made;
}
