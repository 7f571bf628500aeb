// Which customer one is, and what shops see of that customer.
import { useEffect, useState } from "preact/hooks";
import { html } from "./html.js";
import { post, put, seg } from "./api.js";
import { attempt, chat, loadPersons, open, person, persons, say } from "./state.js";
import { Switch } from "./faults.js";
import { switchTo } from "./stage.js";

export function PersonSettings() {
  const one = person.value;
  if (!one) return html`<p class="hint">Nobody yet.</p><${NewPerson} />`;
  return html`
    <section class="group"><h3>You are</h3>
      <select class="full" aria-label="Customer" value=${one.person_id} onChange=${(event) => switchTo(event.currentTarget.value)}>${persons.value.map((other) => html`<option value=${other.person_id}>${other.name} (+${other.phone})</option>`)}</select></section>
    <${Details} key=${`${one.person_id}-${one.generation}`} one=${one} />
    <${NewPerson} />`;
}

function Details({ one }) {
  const [name, setName] = useState(one.name);
  const [phone, setPhone] = useState(one.phone);
  useEffect(() => { setName(one.name); setPhone(one.phone); }, [one.name, one.phone]);
  const change = (fields) => attempt(async () => { await put(`/persons/${seg(one.person_id)}`, fields); await loadPersons(); });
  const bsuid = one.bsuids[chat.value?.portfolio] ?? Object.values(one.bsuids)[0];
  return html`<section class="group"><h3>What shops see</h3>
      <form class="field-row" onSubmit=${(event) => { event.preventDefault(); change({ name }); say("Saved"); }}><label>Name<input value=${name} maxlength="60" onInput=${(event) => setName(event.currentTarget.value)} /></label><button disabled=${!name.trim() || name === one.name}>Save</button></form>
      <form class="field-row" onSubmit=${(event) => { event.preventDefault(); attempt(async () => { await post(`/persons/${seg(one.person_id)}/number`, { phone: phone.replace(/\D/g, "") }); await loadPersons(); say("New number; the shops were told"); }); }}><label>Phone number<input value=${phone} inputmode="tel" onInput=${(event) => setPhone(event.currentTarget.value)} /></label><button disabled=${phone.replace(/\D/g, "") === one.phone}>Change</button></form>
      <p class="hint">A changed number tells the shops by a system message and makes a new user id.</p>
      <dl class="facts"><dt>User id</dt><dd><code class="id" data-fact="bsuid">${bsuid ?? "–"}</code></dd></dl>
      <${Switch} label="Number hidden" hint="Shops get the user id only" on=${one.phone_hidden} onChange=${() => change({ phone_hidden: !one.phone_hidden })} />
      <${Switch} label="User id hidden" hint="As before 2026: the number only" on=${one.bsuid_hidden} onChange=${() => change({ bsuid_hidden: !one.bsuid_hidden })} />
      <${Switch} label="Reads messages" hint="Off: they stay at two grey ticks" on=${one.reads !== "never"} onChange=${() => change({ reads: one.reads === "never" ? "page" : "never" })} />
      <${Switch} label="On WhatsApp" hint="Off: sending fails with 131026" on=${one.on_whatsapp} onChange=${() => change({ on_whatsapp: !one.on_whatsapp })} />
      ${open.value && html`<div class="buttons"><button onClick=${() => attempt(async () => { await post(`/persons/${seg(one.person_id)}/preferences`, { phone_number_id: open.value, value: "stop" }); say("The shop was told: no more marketing"); })}>Stop marketing</button><button onClick=${() => attempt(async () => { await post(`/persons/${seg(one.person_id)}/preferences`, { phone_number_id: open.value, value: "resume" }); say("The shop was told: marketing is welcome"); })}>Resume marketing</button></div>`}
    </section>`;
}

function NewPerson() {
  const [name, setName] = useState("");
  const add = (event) => {
    event.preventDefault();
    attempt(async () => {
      const digits = String(Math.floor(Math.random() * 1e8)).padStart(8, "0");
      const made = await put(`/persons/c${Date.now().toString(36)}`, { name: name.trim(), phone: `9197${digits}`, reads: "page" });
      await loadPersons();
      setName("");
      switchTo(made.person_id);
    });
  };
  return html`<section class="group"><h3>Another customer</h3><form class="field-row" onSubmit=${add}><label>Name<input value=${name} maxlength="60" placeholder="Ravi Kumar" onInput=${(event) => setName(event.currentTarget.value)} /></label><button disabled=${!name.trim()}>Add</button></form></section>`;
}
