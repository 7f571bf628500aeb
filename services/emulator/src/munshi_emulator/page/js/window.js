// Which of the loaded messages are in the document, and what the eye rests on while that changes.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { loadEarlier, thread } from "./state.js";

const WINDOW = 300;
const STEP = 80;
const NEAR = 600;

/** What is looked at: the first row that is visible, and how far below the top it lies. */
function resting(box) {
  const top = box.getBoundingClientRect().top;
  const row = [...box.querySelectorAll("[data-wamid]")].find((one) => one.getBoundingClientRect().bottom > top + 4);
  return row ? { id: row.id, offset: row.getBoundingClientRect().top - top } : null;
}

/**
 * A window of at most WINDOW messages over those that are loaded. It follows the end until it is scrolled away; more
 * is put in above and below as one comes near, and what is looked at stays where it is.
 * Gives `{box, all, shown, atBeginning, away, unseen, onScroll, toEnd, reveal}`.
 */
export function useWindow(number) {
  const box = useRef(null);
  const anchor = useRef(null);
  const atEnd = useRef(true);
  const busy = useRef(false);
  const lastSeq = useRef(null);
  const [view, setView] = useState({ first: null, count: WINDOW });
  const [unseen, setUnseen] = useState(0);
  const [away, setAway] = useState(false);
  const known = thread.value;
  const all = [...known.list, ...known.pending];
  const total = all.length;
  // `first` is the wamid at the top; null follows the end.
  const place = view.first === null ? -1 : all.findIndex((one) => one.wamid === view.first);
  const start = place < 0 ? Math.max(0, total - STEP * 2) : place;
  const finish = place < 0 ? total : Math.min(total, start + view.count);
  const shown = all.slice(start, finish);
  const newest = total ? all[total - 1] : null;

  useLayoutEffect(() => {
    const { current } = box;
    if (anchor.current) {
      const row = document.getElementById(anchor.current.id);
      if (row) current.scrollTop += row.getBoundingClientRect().top - current.getBoundingClientRect().top - anchor.current.offset;
      anchor.current = null;
    } else if (atEnd.current && finish === total) current.scrollTop = current.scrollHeight;
  });

  useEffect(() => {
    const seq = known.list.length ? known.list[known.list.length - 1].seq : 0;
    const came = known.list.filter((one) => one.seq > lastSeq.current && one.direction === "out").length;
    if (lastSeq.current !== null && came && !atEnd.current) setUnseen((n) => n + came);
    lastSeq.current = seq;
  }, [known.list]);

  useEffect(() => { if (newest?.status === "pending") toEnd(); }, [newest?.key]);

  useEffect(() => {
    // Pictures that load and a keyboard that opens change the height; the end stays in sight.
    const watch = new ResizeObserver(() => { if (atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight; });
    watch.observe(box.current);
    watch.observe(box.current.firstElementChild);
    return () => watch.disconnect();
  }, []);

  function toEnd() {
    atEnd.current = true;
    anchor.current = null;
    setView({ first: null, count: WINDOW });
    setUnseen(0);
    setAway(false);
    requestAnimationFrame(() => { if (box.current) box.current.scrollTop = box.current.scrollHeight; });
  }

  /** Put STEP more above what is at the top of `list`'s window. */
  function growUp(list) {
    const index = list.findIndex((one) => one.wamid === shown[0]?.wamid);
    if (index < 0 || !box.current) return;
    anchor.current = resting(box.current);
    const first = Math.max(0, index - STEP);
    setView({ first: list[first].wamid, count: Math.min(WINDOW, shown.length + index - first) });
  }

  function growDown() {
    anchor.current = resting(box.current);
    const end = Math.min(total, finish + STEP);
    const first = Math.max(start, end - WINDOW);
    setView({ first: all[first].wamid, count: end - first });
  }

  async function onScroll() {
    const { scrollTop, scrollHeight, clientHeight } = box.current;
    const left = scrollHeight - scrollTop - clientHeight;
    atEnd.current = left < 40 && finish === total;
    setAway(left > 300 || finish < total);
    if (atEnd.current) setUnseen(0);
    if (busy.current) return;
    if (scrollTop < NEAR && start > 0) growUp(all);
    else if (scrollTop < NEAR && !known.complete) {
      busy.current = true;
      await loadEarlier(number, growUp);
      busy.current = false;
    } else if (left < NEAR && finish < total) growDown();
  }

  /** Load until a message is there, and put it into the window. False if it is nowhere. */
  async function reveal(wamid) {
    const index = () => [...thread.value.list, ...thread.value.pending].findIndex((one) => one.wamid === wamid);
    for (let tries = 0; tries < 60 && index() < 0 && !thread.value.complete; tries++) await loadEarlier(number);
    if (index() < 0) return false;
    if (!shown.some((one) => one.wamid === wamid)) {
      atEnd.current = false;
      setView({ first: thread.value.list[Math.max(0, index() - STEP)].wamid, count: WINDOW });
    }
    return true;
  }

  return { box, all, shown, newest, atBeginning: start === 0 && known.complete, away, unseen, onScroll, toEnd, reveal };
}
