// Calls of the API. The key travels in the Authorization header and nowhere else.

/** An answer that is a problem (RFC 9457), or no answer at all. */
export class ApiProblem extends Error {
  constructor(status, problem, retryAfterSeconds) {
    super(problem.detail ?? problem.title ?? `The server answered ${status}.`);
    this.status = status;
    this.type = problem.type;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** Whether asking again later may help. */
  get isPassing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** A path with its parameters; those without a value are left out. */
export function withQuery(path, parameters) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== null && value !== '') {
      query.set(name, value);
    }
  }

  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

/**
 * Makes a call.
 * @returns {Promise<Response>} An answer that is none of a problem.
 * @throws {ApiProblem}
 */
export async function call(key, path, { signal, headers = {} } = {}) {
  let response;
  try {
    response = await fetch(path, { signal, cache: 'no-store', credentials: 'omit', headers: { ...headers, Authorization: `Bearer ${key}` } });
  } catch (error) {
    if (error.name === 'AbortError') {
      throw error;
    }

    throw new ApiProblem(0, { detail: 'The server does not answer.' });
  }

  if (response.ok) {
    return response;
  }

  const problem = await response.json().catch(() => ({}));
  throw new ApiProblem(response.status, problem, Number(response.headers.get('Retry-After')) || undefined);
}

/** Makes a call whose answer is JSON. */
export const getJson = async (key, path, options) => (await call(key, path, options)).json();
