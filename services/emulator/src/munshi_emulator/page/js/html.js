// One binding of htm to Preact for all modules.
import { h } from "preact";
import htm from "htm";

export const html = htm.bind(h);
