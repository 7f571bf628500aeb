// The open chat: a window of at most WINDOW bubbles over the messages that are loaded.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { html } from "./html.js";
import { dayKey, dayName, gist, time } from "./format.js";
import { Back, Down, Panel } from "./icons.js";
import { Bubble, domId } from "./bubble.js";
import { Composer, sendFile } from "./composer.js";
import { Menu, longPress, openMenu } from "./menu.js";
import { Sheet } from "./sheet.js";
import { chat, go, link, loadEarlier, now, open, panelOpen, say, thread, typing } from "./state.js";
import { Avatar } from "./chats.js";

const WINDOW = 300;
const STEP = 80;
const NEAR = 600;

export function Thread() {
  const number = open.value;
  return html`<section class="chat" aria-label=${chat.value?.verified_name ?? "Chat"} onDragOver=${(event) => event.preventDefault()} onDrop=${(event) => { event.preventDefault(); const file = event.dataTransfer?.files?.[0]; if (file) sendFile(file); }}>
    <${Header} />
    <${Messages} key=${number} number=${number} />
    <${Composer} key=${`c-${number}`} />
    <${Menu} /><${Sheet} />
  </section>`;
}

function Header() {
  const one = chat.value;
  const busy = Boolean(typing.value[open.value]);
  const under = link.value === "lost" ? "Waiting for the emulator…" : busy ? "typing…" : one?.about || one?.display_phone_number;
  return html`<header class="bar"><button class="icon back" aria-label="All chats" onClick=${() => go(null)}><${Back} /></button><${Avatar} name=${one?.verified_name ?? "?"} /><div class="who"><h1>${one?.verified_name ?? "Shop"}</h1><p>${under}</p></div><button class="icon behind" aria-label="Behind the scenes" aria-expanded=${panelOpen.value} onClick=${() => { panelOpen.value = !panelOpen.value; }}><${Panel} /></button></header>`;
}

function Messages({ number }) {
  const box = useRef(null);
  const anchor = useRef(null);
  const atEnd = useRef(true);
  const busy = useRef(false);
  const known = thread.value;
  const all = [...known.list, ...known.pending];
  const total = all.length;
  const [view, setView] = useState({ first: null, count: WINDOW });
  // The window follows the end unless it was moved; `first` is the wamid at its top.
  const place = view.first === null ? -1 : all.findIndex((one) => one.wamid === view.first);
  const start = place < 0 ? Math.max(0, total - STEP * 2) : place;
  const finish = place < 0 ? total : Math.min(total, start + view.count);
  const shown = all.slice(start, finish);
  const [unseen, setUnseen] = useState(0);
  const [away, setAway] = useState(false);
  const lastSeq = useRef(null);

  // Keep what is looked at in its place when bubbles come or go above it.
  const hold = () => {
    const top = box.current.getBoundingClientRect().top;
    const row = [...box.current.querySelectorAll("[data-wamid]")].find((one) => one.getBoundingClientRect().bottom > top + 4);
    if (row) anchor.current = { id: row.id, offset: row.getBoundingClientRect().top - top };
  };
  useLayoutEffect(() => {
    const { current } = box;
    if (anchor.current) {
      const row = document.getElementById(anchor.current.id);
      if (row) current.scrollTop += row.getBoundingClientRect().top - current.getBoundingClientRect().top - anchor.current.offset;
      anchor.current = null;
    } else if (atEnd.current && finish === total) current.scrollTop = current.scrollHeight;
  });
  const newest = total ? all[total - 1] : null;
  useEffect(() => {
    const seq = known.list.length ? known.list[known.list.length - 1].seq : 0;
    if (lastSeq.current !== null && seq > lastSeq.current && !atEnd.current) {
      setUnseen((n) => n + known.list.filter((one) => one.seq > lastSeq.current && one.direction === "out").length);
    }
    lastSeq.current = seq;
  }, [known.list]);
  useEffect(() => { if (newest?.status === "pending") toEnd(); }, [newest?.key]);
  useEffect(() => {
    const watch = new ResizeObserver(() => { if (atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight; });
    watch.observe(box.current);
    watch.observe(box.current.firstElementChild);
    return () => watch.disconnect();
  }, []);

  const toEnd = () => { atEnd.current = true; anchor.current = null; setView({ first: null, count: WINDOW }); setUnseen(0); setAway(false); requestAnimationFrame(() => { if (box.current) box.current.scrollTop = box.current.scrollHeight; }); };

  const onScroll = async () => {
    const { scrollTop, scrollHeight, clientHeight } = box.current;
    const left = scrollHeight - scrollTop - clientHeight;
    atEnd.current = left < 40 && finish === total;
    setAway(left > 300 || finish < total);
    if (atEnd.current) { setUnseen(0); if (shown.length > WINDOW) setView({ first: null, count: WINDOW }); }
    if (busy.current) return;
    if (scrollTop < NEAR && (start > 0 || !known.complete)) {
      const top = shown[0]?.wamid;
      const grow = (list) => {
        const index = list.findIndex((one) => one.wamid === top);
        if (index < 0 || !box.current) return;
        hold();
        const first = Math.max(0, index - STEP);
        setView({ first: list[first].wamid, count: Math.min(WINDOW, shown.length + index - first) });
      };
      if (start > 0) { grow(all); return; }
      busy.current = true;
      await loadEarlier(number, grow);
      busy.current = false;
    } else if (left < NEAR && finish < total) {
      hold();
      const end = Math.min(total, finish + STEP);
      const first = Math.max(start, end - WINDOW);
      setView({ first: all[first].wamid, count: end - first });
    }
  };

  const jump = async (wamid) => {
    let list = [...thread.value.list, ...thread.value.pending];
    for (let tries = 0; tries < 60 && !list.some((one) => one.wamid === wamid) && !thread.value.complete; tries++) {
      await loadEarlier(number);
      list = [...thread.value.list, ...thread.value.pending];
    }
    const index = list.findIndex((one) => one.wamid === wamid);
    if (index < 0) { say("That message is not here any more."); return; }
    if (!document.getElementById(domId(wamid))) { atEnd.current = false; const first = Math.max(0, index - STEP); setView({ first: list[first].wamid, count: WINDOW }); }
    requestAnimationFrame(() => requestAnimationFrame(() => flash(wamid)));
  };

  const keys = (event) => {
    const row = event.target.closest?.("[data-wamid]");
    if ((event.key === "ContextMenu" || (event.shiftKey && event.key === "F10")) && row) {
      event.preventDefault();
      const message = all.find((one) => one.wamid === row.dataset.wamid);
      openMenu(message, row.querySelector(".bubble"), null);
    }
    if (event.target.closest("button, input, a, audio, video") || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
    const rows = [...box.current.querySelectorAll(".bubble")];
    const at = row ? rows.indexOf(row.querySelector(".bubble")) : rows.length;
    const next = rows[at + (event.key === "ArrowUp" ? -1 : 1)];
    if (next) { event.preventDefault(); next.focus({ preventScroll: true }); next.scrollIntoView({ block: "nearest" }); }
  };

  const spoken = newest && newest.direction === "out" ? `${chat.value?.verified_name}: ${gist(newest)}` : "";
  return html`
    <div class="messages" ref=${box} onScroll=${onScroll} onKeyDown=${keys}>
      <div class="log" role="log" aria-live="off" aria-label="Messages" tabindex="0">
        ${start === 0 && known.complete && html`<p class="note start">This is the beginning. Nothing here leaves your machine.</p>`}
        ${(start > 0 || !known.complete) && html`<p class="note earlier">Earlier messages…</p>`}
        ${days(shown).map(([key, messages]) => html`<div class="day" key=${key}><div class="pill"><span>${dayName(messages[0].at, now())}</span></div>
          ${messages.map((message, index) => html`<div key=${message.key ?? message.wamid} ...${longPress(message)}><${Bubble} message=${message} first=${isFirst(messages[index - 1], message)} focus=${message === newest} onMenu=${openMenu} onJump=${jump} /></div>`)}</div>`)}
        <${Dots} number=${number} />
      </div>
    </div>
    <div class="live" role="status" aria-live="polite">${spoken}</div>
    ${(away || unseen > 0) && html`<button class="to-end" onClick=${toEnd} aria-label=${unseen ? `${unseen} new messages, go to the end` : "Go to the end"}>${unseen > 0 && html`<b>${unseen} new</b>`}<${Down} /></button>`}`;
}

function days(messages) {
  const groups = [];
  for (const message of messages) {
    const key = dayKey(message.at);
    if (!groups.length || groups[groups.length - 1][0] !== key) groups.push([key, []]);
    groups[groups.length - 1][1].push(message);
  }
  return groups;
}

const isFirst = (before, message) => !before || before.direction !== message.direction || before.type === "system" || message.at - before.at > 300;

function Dots({ number }) {
  return typing.value[number] ? html`<div class="row first"><div class="bubble theirs first dots" role="img" aria-label=${`typing, since ${time(now())}`}><i></i><i></i><i></i></div></div>` : null;
}

function flash(wamid) {
  const row = document.getElementById(domId(wamid));
  if (!row) return;
  row.scrollIntoView({ block: "center" });
  row.classList.remove("flash");
  void row.offsetWidth; // restarts the animation
  row.classList.add("flash");
  setTimeout(() => row.classList.remove("flash"), 1600);
}
