// What the page knows, as signals, and everything that changes it.
import { batch, computed, signal } from "@preact/signals";
import { get, post, put, seg } from "./api.js";

export const persons = signal([]);
export const personId = signal(localStorage.getItem("munshi.person"));
export const person = computed(() => persons.value.find((one) => one.person_id === personId.value) ?? null);
export const chats = signal([]);
export const open = signal(null);
/** Phone number id of the open chat. */
export const threads = signal({});
/** phone number id -> { list: messages by seq, complete: whether the first one is there, pending: own ones on their way } */
export const typing = signal({});
/** phone number id -> { until (ms), after: seq of the newest message when the shop began }. */
export const link = signal("connecting");
/** connecting, live, lost. */
export const clockOffset = signal(0);
export const selected = signal(null);
/** wamid whose inside the panel shows. */
export const panelTab = signal("message");
export const panelOpen = signal(false);
export const quoted = signal(null);
/** Message that the next one answers. */
export const editing = signal(null);
export const toast = signal(null);
export const traffic = signal([]);
/** Last messages of this customer, newest first. */

export const now = () => Date.now() / 1000 + clockOffset.value;
export const chat = computed(() => chats.value.find((one) => one.phone_number_id === open.value) ?? null);
export const thread = computed(() => threads.value[open.value] ?? { list: [], complete: true, pending: [] });

const PAGE = 80;
let stream = null;
let loaded = false;
let cursor = 0;
let epoch = null;
let answered = {};
/** phone number id -> highest seq of a message of the shop that the stream brought. */
let toastTimer = 0;

/** A line that goes away by itself; `role=status` reads it out. */
export function say(text, kind = "info") {
  clearTimeout(toastTimer);
  toast.value = { text, kind };
  toastTimer = setTimeout(() => { toast.value = null; }, 5000);
}

/** Run something that may fail and say so if it does. */
export async function attempt(work) {
  try { return await work(); } catch (error) {
    say(error instanceof TypeError ? "The emulator does not answer." : error.message, "bad");
    return undefined;
  }
}

export async function begin() {
  await loadPersons();
  if (!persons.value.length) {
    await attempt(() => put("/persons/asha", { name: "Asha", phone: "919812300001", reads: "page" }));
    await loadPersons();
  }
  if (!person.value) choosePerson(persons.value[0]?.person_id ?? null);
  readRoute();
  addEventListener("hashchange", readRoute);
  addEventListener("online", connect);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { connect(); seen(); } });
  await attempt(async () => { clockOffset.value = (await get("/clock")).offset_seconds; });
  await reload();
}

export async function loadPersons() {
  persons.value = (await attempt(() => get("/persons"))) ?? persons.value;
}

export function choosePerson(id) {
  personId.value = id;
  if (id) localStorage.setItem("munshi.person", id);
}

/** Start afresh for the chosen customer. */
export async function reload() {
  stream?.close();
  stream = null;
  loaded = false;
  answered = {};
  batch(() => { threads.value = {}; chats.value = []; typing.value = {}; traffic.value = []; selected.value = null; quoted.value = null; editing.value = null; });
  if (!personId.value) return;
  const head = await attempt(() => get("/messages", { person: personId.value, newest: true, limit: 1 }));
  cursor = head?.last_rev ?? 0;
  const heads = await attempt(() => get("/messages", { person: personId.value, newest: true, limit: 30 }));
  traffic.value = [...(heads?.messages ?? [])].reverse();
  for (const message of heads?.messages ?? []) cursor = Math.max(cursor, message.rev);
  await loadChats();
  if (open.value) await loadThread(open.value);
  loaded = true;
  if (open.value && !threads.value[open.value]) await loadThread(open.value);
  connect();
}

export async function loadChats() {
  const found = await attempt(() => get("/chats", { person: personId.value }));
  if (found) chats.value = found;
}

/** Server-sent events; the browser reconnects by itself and the cursor leaves no gap. */
function connect() {
  if (!personId.value || (stream && stream.readyState !== 2)) return;
  stream?.close();
  const source = new EventSource(`/control/events?person=${seg(personId.value)}&cursor=${cursor}`);
  stream = source;
  source.addEventListener("hello", (event) => {
    const hello = JSON.parse(event.data);
    const other = epoch !== null && epoch !== hello.epoch;
    epoch = hello.epoch;
    link.value = "live";
    if (other) { location.reload(); return; }
    retryPending();
  });
  source.addEventListener("messages", (event) => {
    cursor = Math.max(cursor, Number(event.lastEventId));
    merge(JSON.parse(event.data));
  });
  source.addEventListener("signal", (event) => fleeting(JSON.parse(event.data)));
  source.onerror = () => {
    link.value = "lost";
    if (source.readyState === 2) setTimeout(connect, 1000 + Math.random() * 1000);
  };
}

function fleeting(event) {
  if (event.event === "reset") { location.reload(); return; }
  if (event.event === "clock") { clockOffset.value = event.offset_seconds; loadChats(); return; }
  if (event.event === "typing" && event.person_id === personId.value) setTyping(event);
}

/** Typing and messages travel apart, so either may come first: what the shop has answered already shows no dots. */
function setTyping({ phone_number_id: number, seconds, after }) {
  if (answered[number] > after) return;
  const until = Date.now() + seconds * 1000;
  typing.value = { ...typing.value, [number]: { until, after } };
  setTimeout(() => { if (typing.value[number]?.until === until) endTyping(number); }, seconds * 1000);
}

/** A message of the shop ends the typing that was before it; a status of an earlier one does not. */
function spoke(number, seq) {
  answered[number] = Math.max(answered[number] ?? 0, seq);
  if (typing.value[number]?.after < seq) endTyping(number);
}

function endTyping(number) {
  const { [number]: _gone, ...rest } = typing.value;
  typing.value = rest;
}

const hidden = (message) => message.type === "reaction" || message.type === "edit" || message.type === "revoke" || message.status === "dropped";

/** Put changed messages where they belong. */
function merge(messages) {
  batch(() => {
    const changed = { ...threads.value };
    for (const message of messages) {
      const number = message.phone_number_id;
      if (message.direction === "out" && message.status !== "failed" && !hidden(message)) spoke(number, message.seq);
      const known = changed[number];
      if (known) changed[number] = placed(known, message);
    }
    threads.value = changed;
    const names = new Map(traffic.value.map((message) => [message.wamid, message]));
    for (const message of messages) names.set(message.wamid, message);
    traffic.value = [...names.values()].sort((a, b) => b.seq - a.seq).slice(0, 40);
    chats.value = chats.value.map((one) => updatedChat(one, messages));
  });
  if (messages.some((message) => message.type === "system")) loadPersons();
  seen();
}

function placed(known, message) {
  const pending = known.pending.filter((own) => own.key !== message.key);
  if (hidden(message)) return { ...known, pending };
  const list = [...known.list];
  let at = list.length;
  while (at > 0 && list[at - 1].seq > message.seq) at--;
  if (at > 0 && list[at - 1].seq === message.seq) { if (list[at - 1].rev <= message.rev) list[at - 1] = message; }
  else if (at > 0 || known.complete) list.splice(at, 0, message);
  return { ...known, list, pending };
}

function updatedChat(one, messages) {
  const mine = messages.filter((message) => message.phone_number_id === one.phone_number_id);
  if (!mine.length) return one;
  const visible = mine.filter((message) => !hidden(message) && message.status !== "failed");
  const newest = visible.reduce((last, message) => (!last || message.seq >= last.seq ? message : last), one.last);
  const came = visible.filter((message) => message.direction === "out" && message.seq > (one.last?.seq ?? 0)).length;
  const isOpen = open.value === one.phone_number_id && !document.hidden;
  const wrote = mine.filter((message) => message.direction === "in").map((message) => message.at + 86400);
  return { ...one, last: newest, unread: isOpen ? 0 : one.unread + came, window_until: Math.max(one.window_until, ...wrote) };
}

export async function loadThread(number) {
  const answer = await attempt(() => get("/messages", { person: personId.value, phone_number_id: number, newest: true, limit: PAGE }));
  if (!answer) return;
  // The stream and one's own hand go on while the answer travels: what they brought is newer than it.
  const meanwhile = threads.value[number] ?? { list: [], pending: [] };
  const keys = new Set(answer.messages.map((message) => message.key));
  const pending = meanwhile.pending.filter((own) => !keys.has(own.key));
  const list = answer.messages.filter((message) => !hidden(message));
  const found = { list, complete: answer.messages.length < PAGE, pending };
  threads.value = { ...threads.value, [number]: meanwhile.list.reduce(placed, found) };
}

/** The page before the first message that is there. `onCome(list)` is called in the moment in which it comes in, before
 * anything is drawn. Returns how many came. */
export async function loadEarlier(number, onCome) {
  const known = threads.value[number];
  if (!known || known.complete || !known.list.length) return 0;
  const before = known.list[0].seq;
  const answer = await attempt(() => get("/messages", { person: personId.value, phone_number_id: number, before, limit: PAGE }));
  if (!answer) return 0;
  const came = answer.messages.filter((message) => !hidden(message));
  const current = threads.value[number];
  if (current.list[0].seq !== before) return 0;
  const list = [...came, ...current.list];
  batch(() => {
    onCome?.(list);
    threads.value = { ...threads.value, [number]: { ...current, list, complete: answer.messages.length < PAGE } };
  });
  return came.length;
}

function readRoute() {
  const number = decodeURIComponent(location.hash.match(/^#\/chat\/(.+)$/)?.[1] ?? "") || null;
  if (number === open.value) return;
  batch(() => { open.value = number; quoted.value = null; editing.value = null; });
  if (number && loaded && !threads.value[number] && personId.value) loadThread(number);
  seen();
}

export const go = (number) => { location.hash = number ? `#/chat/${seg(number)}` : "#/"; };

let seenTimer = 0;
/** The chat is before somebody's eyes: messages that wait for that become read. */
export function seen() {
  const number = open.value;
  if (!number || document.hidden || !personId.value) return;
  clearTimeout(seenTimer);
  seenTimer = setTimeout(() => {
    if (chats.value.some((one) => one.phone_number_id === number && one.unread)) chats.value = chats.value.map((one) => (one.phone_number_id === number ? { ...one, unread: 0 } : one));
    const waiting = (threads.value[number]?.list ?? []).some((message) => message.direction === "out" && ["accepted", "sent", "delivered"].includes(message.status));
    if (waiting) post("/chats/seen", { phone_number_id: number, person: personId.value }).catch(() => {});
  }, 250);
}

/** Send a message as the customer. It shows at once with a clock; the key makes a repetition harmless. */
export async function send(fields, number = open.value) {
  const key = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
  const body = { phone_number_id: number, person: personId.value, idempotency_key: key, ...fields };
  if (quoted.value && !body.reply_to) body.reply_to = quoted.value.wamid;
  quoted.value = null;
  const type = fields.type ?? "text";
  const own = {
    key, wamid: `pending-${key}`, direction: "in", type, status: "pending", at: now(), seq: Infinity, request: body,
    phone_number_id: number, marks: null,
    body: { [type]: fields.content ?? { body: fields.text }, context: body.reply_to ? { id: body.reply_to } : undefined },
  };
  const known = threads.value[number] ?? { list: [], complete: true, pending: [] };
  if (!hidden(own)) threads.value = { ...threads.value, [number]: { ...known, pending: [...known.pending, own] } };
  return deliver(own);
}

let line = Promise.resolve();
/** One after the other, as a phone does it: the browser would send them side by side, in any order. */
function deliver(own) {
  const mine = line.then(() => hand(own));
  line = mine;
  return mine;
}

async function hand(own) {
  try {
    const answer = await post("/messages", own.request);
    return answer.wamid;
  } catch (error) {
    setPending(own, { status: "unsent", problem: error instanceof TypeError ? "The emulator does not answer" : error.message });
    return null;
  }
}

function setPending(own, change) {
  const known = threads.value[own.phone_number_id];
  if (!known) return;
  threads.value = { ...threads.value, [own.phone_number_id]: { ...known, pending: known.pending.map((one) => (one.key === own.key ? { ...one, ...change } : one)) } };
}

/** Send again what did not get through; same key, so nothing doubles. */
export function resend(own) {
  setPending(own, { status: "pending", problem: undefined });
  return deliver(own);
}

function retryPending() {
  for (const known of Object.values(threads.value)) for (const own of known.pending) if (own.status === "unsent") resend(own);
}

/** Show what is behind a message. */
export function inspect(wamid) {
  batch(() => { selected.value = wamid; panelTab.value = "message"; panelOpen.value = true; });
}
