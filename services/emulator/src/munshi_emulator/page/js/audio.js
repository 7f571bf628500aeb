// A voice note: play, a real slider, speed; and recording, as OGG/Opus where the browser or `ogg.js` can.
import { useRef, useState } from "preact/hooks";
import { html } from "./html.js";
import { Pause, Play } from "./icons.js";
import { post, seg } from "./api.js";
import { oggOfWebm } from "./ogg.js";

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

export function AudioPlayer({ src, wamid, own }) {
  const audio = useRef(null);
  const told = useRef(false);
  const [playing, setPlaying] = useState(false);
  const [at, setAt] = useState(0);
  const [length, setLength] = useState(0);
  const [rate, setRate] = useState(1);
  const toggle = () => {
    if (audio.current.paused) audio.current.play().catch(() => setPlaying(false)); else audio.current.pause();
    if (!own && !told.current) { told.current = true; post(`/messages/${seg(wamid)}/status`, { status: "played" }).catch(() => {}); }
  };
  const speed = () => { const next = rate === 1 ? 1.5 : rate === 1.5 ? 2 : 1; setRate(next); audio.current.playbackRate = next; };
  const known = Number.isFinite(length) && length > 0;
  return html`<div class="voice">
    <audio ref=${audio} src=${src} preload="metadata" onPlay=${() => setPlaying(true)} onPause=${() => setPlaying(false)} onEnded=${() => setAt(0)}
      onTimeUpdate=${(event) => setAt(event.currentTarget.currentTime)} onDurationChange=${(event) => setLength(event.currentTarget.duration)}></audio>
    <button class="round" aria-label=${playing ? "Pause" : "Play"} onClick=${toggle}>${playing ? html`<${Pause} />` : html`<${Play} />`}</button>
    <input type="range" min="0" max=${known ? length : 1} step="0.01" value=${at} disabled=${!known} aria-label="Position" aria-valuetext=${clock(at)} onInput=${(event) => { audio.current.currentTime = Number(event.currentTarget.value); }} />
    <span class="length">${clock(playing || at ? at : known ? length : 0)}</span>
    <button class="speed" aria-label=${`Speed ${rate}`} onClick=${speed}>${rate}×</button>
  </div>`;
}

const TYPES = ["audio/ogg;codecs=opus", "audio/webm;codecs=opus"];

/** Record until `stop()`; its promise gives a file of audio/ogg. Throws what getUserMedia throws. */
export async function record() {
  const source = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: true } });
  const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
  if (!mimeType) { source.getTracks().forEach((track) => track.stop()); throw new Error("This browser cannot record Opus."); }
  const recorder = new MediaRecorder(source, { mimeType, audioBitsPerSecond: 32000 });
  const parts = [];
  recorder.ondataavailable = (event) => parts.push(event.data);
  const ended = new Promise((resolve) => { recorder.onstop = resolve; });
  recorder.start();
  return {
    async stop() {
      recorder.stop();
      await ended;
      source.getTracks().forEach((track) => track.stop());
      const blob = new Blob(parts, { type: mimeType });
      const ogg = mimeType.startsWith("audio/ogg") ? blob : new Blob([oggOfWebm(new Uint8Array(await blob.arrayBuffer()))], { type: "audio/ogg" });
      return new File([ogg], "voice.ogg", { type: "audio/ogg" });
    },
    cancel() {
      recorder.onstop = null;
      recorder.stop();
      source.getTracks().forEach((track) => track.stop());
    },
  };
}
