/**
 * Goes through what comes until `signal` is aborted. Then it ends at once, without waiting for what the source is
 * about to give, and tells the source by return(). Errors of the source before that are thrown, later ones dropped.
 */
export async function* untilAborted<T>(
  source: AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T, void, void> {
  const iterator = source[Symbol.asyncIterator]();
  let stop: () => void = () => {};
  const aborted = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
  });
  signal.addEventListener('abort', stop, { once: true });
  let ended = false;
  try {
    while (!signal.aborted) {
      const next = iterator.next();
      // Nobody waits for it when the signal comes first.
      next.catch(() => {});
      const step = await Promise.race([next, aborted]);
      if (step === undefined) return;
      if (step.done === true) {
        ended = true;
        return;
      }
      yield step.value;
    }
  } catch (error) {
    ended = true;
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    // A generator in the middle of next() answers return() only after it; so nobody waits here either.
    if (!ended) iterator.return?.().then(undefined, () => {});
  }
}
