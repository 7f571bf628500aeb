// The page's table of contents.
import { render } from "preact";
import { html } from "./html.js";
import { Chats } from "./chats.js";
import { BehindTheScenes } from "./panel.js";
import { Stage } from "./stage.js";
import { Thread } from "./thread.js";
import { begin, open, panelOpen, toast } from "./state.js";

function App() {
  return html`<div class=${`desk ${panelOpen.value ? "with-panel" : ""}`}>
    <${Stage} />
    <main class="phone"><div class="screen">
      ${open.value ? html`<${Thread} />` : html`<${Chats} />`}
      <div class="toast-place" role="status" aria-live="assertive">${toast.value && html`<p class=${`toast ${toast.value.kind}`}>${toast.value.text}</p>`}</div>
    </div></main>
    <${BehindTheScenes} />
  </div>`;
}

render(html`<${App} />`, document.getElementById("app"), null);
document.querySelector(".boot")?.remove();
begin();
