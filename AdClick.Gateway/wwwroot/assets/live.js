// Server-sent events over fetch: EventSource can't send the key in a header.

import { call } from './api.js';

const silenceMs = 15_000; // the server says something every few seconds
const longestWaitMs = 5_000;

/**
 * Follows a stream until it is stopped, connecting again whenever it ends.
 * @param {string} key The key.
 * @param {string} path The stream.
 * @param {object} to
 * @param {(name: string, data: object) => void} to.onEvent Takes an event.
 * @param {(isConnected: boolean) => void} to.onConnection Hears of the connection.
 * @param {(problem: Error) => void} to.onRefused The server refuses for good; nothing more comes.
 * @returns {() => void} Stops it.
 */
export function follow(key, path, { onEvent, onConnection, onRefused }) {
  const stopped = new AbortController();
  let lastId = '';
  let failures = 0;
  let retryMs = 1000;

  async function connect() {
    const attempt = new AbortController();
    const abort = () => attempt.abort();
    stopped.signal.addEventListener('abort', abort);
    let silence = setTimeout(abort, silenceMs);
    try {
      const headers = { Accept: 'text/event-stream' };
      if (lastId) {
        headers['Last-Event-ID'] = lastId;
      }

      const response = await call(key, path, { signal: attempt.signal, headers });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      for (;;) {
        const { done, value } = await reader.read();
        if (done) {
          return;
        }

        clearTimeout(silence);
        silence = setTimeout(abort, silenceMs);
        failures = 0;
        const blocks = (text + value).split('\n\n');
        text = blocks.pop();
        blocks.forEach(take);
      }
    } finally {
      clearTimeout(silence);
      stopped.signal.removeEventListener('abort', abort);
      attempt.abort();
    }
  }

  function take(block) {
    let name = 'message';
    let data = '';
    for (const line of block.split('\n')) {
      const colon = line.indexOf(':');
      const field = line.slice(0, colon);
      const value = line.slice(colon + 1).replace(/^ /, '');
      if (field === 'event') {
        name = value;
      } else if (field === 'data') {
        data += value;
      } else if (field === 'id') {
        lastId = value;
      } else if (field === 'retry') {
        retryMs = Number(value);
        onConnection(true);
      }
    }

    if (data && !stopped.signal.aborted) {
      onEvent(name, JSON.parse(data));
    }
  }

  function pause(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      window.addEventListener('online', resolve, { once: true, signal: stopped.signal });
      stopped.signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
    });
  }

  (async () => {
    while (!stopped.signal.aborted) {
      let wait = retryMs;
      try {
        await connect();
      } catch (error) {
        if (!stopped.signal.aborted && error.status && !error.isPassing) {
          onRefused(error);
          return;
        }

        failures++;
        wait = Math.max((error.retryAfterSeconds ?? 0) * 1000, Math.min(longestWaitMs, retryMs * 1.5 ** failures) * (0.75 + Math.random() / 2));
      }

      if (!stopped.signal.aborted) {
        onConnection(false);
        await pause(wait);
      }
    }
  })();

  return () => stopped.abort();
}
