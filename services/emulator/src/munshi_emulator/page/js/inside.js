// The inside of one message: webhook and request as they travelled, ids, attempts, times. Without one: the traffic.
import { useEffect, useState } from "preact/hooks";
import { html } from "./html.js";
import { get, seg } from "./api.js";
import { gist, span, time } from "./format.js";
import { selected, traffic } from "./state.js";

export function Inside() {
  return selected.value ? html`<${One} key=${selected.value} wamid=${selected.value} />` : html`<${Traffic} />`;
}

function Traffic() {
  if (!traffic.value.length) return html`<p class="hint">Nothing has been said yet. Write something, and see here what travels.</p>`;
  return html`<p class="hint">The latest first. Choose one to see its webhook, its request and its times.</p>
    <ul class="traffic">${traffic.value.map((message) => html`<li key=${message.wamid}><button onClick=${() => { selected.value = message.wamid; }}>
      <span class=${`arrow ${message.direction}`} aria-label=${message.direction === "in" ? "from the customer" : "from the shop"}>${message.direction === "in" ? "→" : "←"}</span><span class="what" dir="auto">${gist(message)}</span><span class=${`badge ${message.status}`}>${message.status}</span><time>${time(message.at)}</time></button></li>`)}</ul>`;
}

function One({ wamid }) {
  const [trace, setTrace] = useState(null);
  const [problem, setProblem] = useState(null);
  const live = traffic.value.find((message) => message.wamid === wamid)?.rev;
  useEffect(() => {
    let gone = false;
    const load = () => get(`/messages/${seg(wamid)}/trace`).then((found) => { if (!gone) setTrace(found); }, (error) => { if (!gone) setProblem(error.message); });
    load();
    const timer = setInterval(load, 1500);
    return () => { gone = true; clearInterval(timer); };
  }, [wamid, live]);
  const back = html`<button class="link" onClick=${() => { selected.value = null; }}>← All messages</button>`;
  if (problem) return html`${back}<p class="hint">${problem}</p>`;
  if (!trace) return html`${back}<p class="hint">…</p>`;
  const { message, webhooks, reply } = trace;
  const inbound = message.direction === "in";
  return html`${back}
    <h3 dir="auto">${gist(message)}</h3>
    <dl class="facts">
      <dt>Way</dt><dd>${inbound ? "customer to shop" : "shop to customer"}</dd>
      <dt>Status</dt><dd><span class=${`badge ${message.status}`}>${message.status}</span> ${message.error?.[0] && `${message.error[0].code} ${message.error[0].title}`}</dd>
      ${inbound && html`<dt>Webhook → 200</dt><dd data-fact="webhook">${webhooks[0]?.state === "delivered" ? span(webhooks[0].done_at - message.accepted_at) : `waiting, ${webhooks[0]?.attempts ?? 0} attempts`}</dd><dt>Webhook → reply</dt><dd data-fact="reply">${reply ? span(reply.accepted_at - message.accepted_at) : "no reply yet"}</dd>`}
      ${message.callback != null && html`<dt>Callback data</dt><dd><code>${message.callback}</code></dd>`}
      <dt>Id</dt><dd><code class="id">${message.wamid}</code></dd>
      <dt>Number</dt><dd><code>${message.phone_number_id}</code></dd>
    </dl>
    ${!inbound && html`<${Json} title="Request to the Graph API" text=${JSON.stringify(message.body)} open />`}
    ${webhooks.map((hook, index) => html`<${Json} key=${hook.id} open=${inbound && index === 0} title=${hook.kind === "status" ? `Webhook: ${hook.status}` : "Webhook: message"} text=${hook.body}
      aside=${hook.state === "delivered" ? `${hook.last_code} after ${hook.attempts} ${hook.attempts === 1 ? "attempt" : "attempts"}` : hook.due == null ? "waits for the reader" : `${hook.attempts} attempts, last ${hook.last_code ?? "none"}`} />`)}`;
}

export function Json({ title, text, aside, open }) {
  let shown = text;
  try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* shown as it is */ }
  return html`<details class="json" open=${open}><summary><span>${title}</span>${aside && html`<small>${aside}</small>`}</summary><pre tabindex="0">${shown}</pre></details>`;
}
