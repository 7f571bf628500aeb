// WebM/Opus, as Chromium records it, into OGG/Opus, as WhatsApp's phones send it: the same packets in other pages.
// Formats: RFC 3533 (Ogg), RFC 7845 (Opus in Ogg), RFC 8794 (EBML), the Matroska element ids.

const CONTAINERS = new Set([0x18538067, 0x1f43b675, 0x1654ae6b, 0xae, 0xa0]); // Segment, Cluster, Tracks, TrackEntry, BlockGroup
const CODEC_PRIVATE = 0x63a2;
const SIMPLE_BLOCK = 0xa3;
const BLOCK = 0xa1;

function vint(data, at, keepMarker) {
  let length = 1;
  while (length <= 8 && !(data[at] & (0x80 >> (length - 1)))) length++;
  let value = keepMarker ? data[at] : data[at] & (0xff >> length);
  let ones = !keepMarker && value === (0xff >> length);
  for (let i = 1; i < length; i++) { value = value * 256 + data[at + i]; ones = ones && data[at + i] === 0xff; }
  return { value, length, unknown: ones };
}

/** The Opus header and the packets in order. Reads live recordings, whose sizes are unknown. */
export function packetsOfWebm(data) {
  const found = { head: null, packets: [] };
  walk(data, 0, data.length, found);
  return found;
}

function walk(data, start, end, found) {
  let at = start;
  while (at < end) {
    const id = vint(data, at, true);
    const size = vint(data, at + id.length, false);
    const body = at + id.length + size.length;
    const stop = size.unknown ? end : Math.min(end, body + size.value);
    if (CONTAINERS.has(id.value)) walk(data, body, stop, found);
    else if (id.value === CODEC_PRIVATE) found.head = data.slice(body, stop);
    else if (id.value === SIMPLE_BLOCK || id.value === BLOCK) found.packets.push(data.slice(body + vint(data, body, false).length + 3, stop));
    at = stop;
  }
}

const CRC = Uint32Array.from({ length: 256 }, (_, index) => {
  let rest = index << 24;
  for (let bit = 0; bit < 8; bit++) rest = rest & 0x80000000 ? (rest << 1) ^ 0x04c11db7 : rest << 1;
  return rest >>> 0;
});

function page(packet, flags, granule, serial, sequence) {
  const lacing = [...Array(Math.floor(packet.length / 255)).fill(255), packet.length % 255];
  const out = new Uint8Array(27 + lacing.length + packet.length);
  const view = new DataView(out.buffer);
  out.set([0x4f, 0x67, 0x67, 0x53, 0, flags]);
  view.setBigUint64(6, BigInt(granule), true);
  view.setUint32(14, serial, true);
  view.setUint32(18, sequence, true);
  out[26] = lacing.length;
  out.set(lacing, 27);
  out.set(packet, 27 + lacing.length);
  let crc = 0;
  for (const byte of out) crc = ((crc << 8) ^ CRC[((crc >>> 24) ^ byte) & 0xff]) >>> 0;
  view.setUint32(22, crc, true);
  return out;
}

/** Samples at 48 kHz of one Opus packet, by its first byte (RFC 6716, 3.1). */
export function samples(packet) {
  const config = packet[0] >> 3;
  const frame = config < 12 ? [480, 960, 1920, 2880][config % 4] : config < 16 ? [480, 960][config % 2] : [120, 240, 480, 960][config % 4];
  const code = packet[0] & 3;
  return frame * (code === 0 ? 1 : code < 3 ? 2 : packet[1] & 63);
}

/** The bytes of an OGG file. Throws if there is no Opus in it. */
export function oggOfWebm(data) {
  const { head, packets } = packetsOfWebm(data);
  if (!head || !packets.length) throw new Error("Nothing was recorded.");
  const serial = (Math.random() * 0xffffffff) >>> 0;
  const vendor = new TextEncoder().encode("munshi");
  const tags = new Uint8Array(8 + 4 + vendor.length + 4);
  tags.set(new TextEncoder().encode("OpusTags"));
  new DataView(tags.buffer).setUint32(8, vendor.length, true);
  tags.set(vendor, 12);
  const pages = [page(head, 2, 0, serial, 0), page(tags, 0, 0, serial, 1)];
  let granule = 0;
  packets.forEach((packet, index) => {
    granule += samples(packet);
    pages.push(page(packet, index === packets.length - 1 ? 4 : 0, granule, serial, index + 2));
  });
  const out = new Uint8Array(pages.reduce((sum, one) => sum + one.length, 0));
  let at = 0;
  for (const one of pages) { out.set(one, at); at += one.length; }
  return out;
}
