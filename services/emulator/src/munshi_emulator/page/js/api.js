// The control API, as the page uses it: the same doors that tests use.

export class ApiError extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

/** One call. Throws ApiError with the server's own words, or TypeError when nobody answers. */
export async function api(method, path, body) {
  const form = body instanceof FormData;
  const answer = await fetch(`/control${path}`, {
    method,
    headers: body && !form ? { "Content-Type": "application/json" } : {},
    body: body === undefined || form ? body : JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) {
    let detail = text;
    try { detail = JSON.parse(text).detail ?? text; } catch { /* not JSON: the text itself */ }
    throw new ApiError(answer.status, typeof detail === "string" ? detail : detail.map?.((entry) => entry.msg).join("; ") ?? text);
  }
  return text ? JSON.parse(text) : null;
}

export const get = (path, query = {}) => {
  const asked = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  return api("GET", asked.length ? `${path}?${new URLSearchParams(asked)}` : path);
};
export const post = (path, body) => api("POST", path, body);
export const put = (path, body) => api("PUT", path, body);
export const patch = (path, body) => api("PATCH", path, body);
export const drop = (path) => api("DELETE", path);

/** A path segment: ids hold slashes and plus signs. */
export const seg = encodeURIComponent;
