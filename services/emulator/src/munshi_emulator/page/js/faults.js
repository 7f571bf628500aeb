// Bad luck by the switch.
import { useEffect, useState } from "preact/hooks";
import { html } from "./html.js";
import { drop, get, patch, post, put, seg } from "./api.js";
import { attempt, chat, clockOffset, now, open, say } from "./state.js";
import { span } from "./format.js";

const CALLS = [
  ["page-lose", "Answer lost", "Taken, but the connection breaks before the 200", { kind: "lose_answer" }],
  ["page-silent", "Never answers", "Taken, then silence", { kind: "timeout" }],
  ["page-reset", "Connection reset", "Nothing is taken", { kind: "reset" }],
  ["page-500", "Plain 500", "No body that Meta would send", { kind: "http", http_status: 500 }],
  ["page-late-fail", "Fails afterwards", "200 first, then a failed status (131026)", { kind: "status", code: 131026 }],
];
const CLASSES = { transient: "Transient", pair_limit: "Pair limit", stop: "Stop and alert", credentials: "Credentials", window: "Window closed", recipient: "Recipient", media: "Media", template: "Template", bad_request: "Bad request" };
const WEBHOOKS = [
  ["Held back", "Nothing is delivered until this is off", (on) => ({ paused: on }), (now) => now.paused],
  ["Twice", "Each update comes two times", (on) => ({ duplicate: on ? 1 : 0 }), (now) => now.duplicate > 0],
  ["Late and shuffled", "Up to 2 s late, in any order, in batches", (on) => ({ permute: on, linger_ms: on ? 2000 : 0 }), (now) => now.permute],
  ["Lost 200", "Half of the answers are lost, so the update comes again", (on) => ({ lost_ack: on ? 0.5 : 0 }), (now) => now.lost_ack > 0],
  ["Wrong signature", "Signed with another secret", (on) => ({ sign: on ? "wrong" : "current" }), (now) => now.sign === "wrong"],
];

export function Faults() {
  const [rules, setRules] = useState([]);
  const [ways, setWays] = useState({});
  const [number, setNumber] = useState(null);
  const [chosen, setChosen] = useState("transient");
  const shop = open.value;
  const load = async () => {
    setRules(await get("/faults"));
    setWays(await get("/delivery"));
    setNumber(shop ? await get(`/phone-numbers/${seg(shop)}`) : null);
  };
  useEffect(() => { attempt(load); }, [shop]);
  const has = (id) => rules.some((rule) => rule.id === id);
  const toggle = (id, rule) => attempt(async () => { if (has(id)) await drop(`/faults/${id}`); else await post("/faults", { id, ...rule, ...(shop ? { phone_number_id: shop } : {}) }); await load(); });
  const way = ways["*"] ?? {};
  const setWay = (change) => attempt(async () => { await patch("/delivery/*", change); await load(); });
  const expired = number?.expired_tokens?.length > 0;
  const clear = () => attempt(async () => {
    await drop("/faults");
    await drop("/delivery");
    if (expired) await put(`/phone-numbers/${seg(shop)}`, { expired_tokens: [] });
    await move({ offset_seconds: 0 });
    await load();
    say("All is well again");
  });
  const move = (order) => attempt(async () => { clockOffset.value = (await put("/clock", order)).offset_seconds; });
  const left = chat.value ? chat.value.window_until - now() : 0;
  return html`
    <section class="group"><h3>When the shop sends</h3>
      <div class="switch"><${Switch} label="Refused" hint="An error of this class" on=${has("page-error")} onChange=${() => toggle("page-error", { kind: "error", error_class: chosen })} />
        <select aria-label="Class of error" value=${chosen} onChange=${(event) => { const value = event.currentTarget.value; setChosen(value); if (has("page-error")) attempt(async () => { await post("/faults", { id: "page-error", kind: "error", error_class: value }); await load(); }); }}>${Object.entries(CLASSES).map(([value, label]) => html`<option value=${value}>${label}</option>`)}</select></div>
      ${CALLS.map(([id, label, hint, rule]) => html`<${Switch} key=${id} label=${label} hint=${hint} on=${has(id)} onChange=${() => toggle(id, rule)} />`)}
      ${shop && html`<${Switch} label="Token expired" hint="Error 190 until the token is renewed" on=${expired} onChange=${() => attempt(async () => { await put(`/phone-numbers/${seg(shop)}`, { expired_tokens: expired ? [] : number.access_tokens }); await load(); })} />`}
    </section>
    <section class="group"><h3>When webhooks travel</h3>${WEBHOOKS.map(([label, hint, change, is]) => html`<${Switch} key=${label} label=${label} hint=${hint} on=${Boolean(is(way))} onChange=${() => setWay(change(!is(way)))} />`)}</section>
    <section class="group"><h3>Clock</h3>
      <p class="hint">${clockOffset.value ? `${span(Math.abs(clockOffset.value))} ${clockOffset.value > 0 ? "ahead" : "behind"}` : "The real time"}${chat.value && html`. ${left > 0 ? `The shop may write freely for ${span(left)}.` : "The window is closed: only templates."}`}</p>
      <div class="buttons"><button onClick=${() => move({ advance_seconds: 3600 })}>+ 1 hour</button><button onClick=${() => move({ advance_seconds: 90000 })}>+ 25 hours</button><button onClick=${() => move({ offset_seconds: 0 })}>Real time</button></div>
    </section>
    <button class="wide quiet" onClick=${clear}>Switch all of it off</button>`;
}

/** A switch that shows at once what was wished for, and what holds when `onChange` is done. */
export function Switch({ label, hint, on, onChange }) {
  const [wish, setWish] = useState(null);
  const turn = async (event) => { setWish(event.currentTarget.checked); await onChange(); setWish(null); };
  return html`<label class="switch-row"><span><b>${label}</b><small>${hint}</small></span><input type="checkbox" role="switch" checked=${wish ?? on} onChange=${turn} /></label>`;
}
