"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const frames = JSON.parse(byId("frames").textContent);
  const words = JSON.parse(byId("words").textContent);
  const steps = [...document.querySelectorAll(".step")];
  const root = document.documentElement;
  let current = 0;

  const element = (name, classes, text) => {
    const made = document.createElement(name);
    made.className = classes;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  const showStates = (step) => {
    const states = step ? JSON.parse(step.dataset.states) : [];
    for (const place of document.querySelectorAll("#board .states")) {
      const known = states[Number(place.dataset.host)];
      const shown = known === undefined ? [] : known.length ? known : ["CLOSED"];
      place.replaceChildren(...shown.map((word) => element("span", "state", word)));
    }
  };

  // One cell for each line of 32 bits that the field stands on, the widest of them named.
  const cells = (field, number) => {
    const [name, value, start, length] = field;
    const end = start + Math.min(length, 32 * 4);
    const parts = [];
    for (let at = start; at < end; at = Math.min(end, (Math.floor(at / 32) + 1) * 32)) {
      parts.push([at, Math.min(end, (Math.floor(at / 32) + 1) * 32)]);
    }
    const widest = parts.reduce((best, part) => (part[1] - part[0] > best[1] - best[0] ? part : best));
    return parts.map((part) => {
      const width = part[1] - part[0];
      const cell = element("div", width < 4 ? "bit tight" : "bit");
      cell.style.gridColumn = `${(part[0] % 32) + 1} / span ${width}`;
      cell.style.gridRow = `${Math.floor(part[0] / 32) + 1}`;
      cell.dataset.field = number;
      if (part[1] < end) cell.classList.add("goes-on");
      if (part === widest) {
        const short = width < 4 && name.length > 3 ? name.split(" ").map((word) => word[0].toUpperCase()).join("") : name;
        cell.append(element("span", "name", short), element("span", "value", value || "–"));
        cell.tabIndex = 0;
        const bits = `${words.bit} ${start}–${start + length - 1}, ${length} ${words.bits}`;
        cell.setAttribute("role", "note");
        cell.setAttribute("aria-label", `${name}: ${value}. ${bits}`);
      }
      const told = () => {
        byId("field").textContent = `${name} = ${value}   (${words.bit} ${start}–${start + length - 1}, ${length} ${words.bits})`;
        for (const other of cell.parentElement.children) {
          other.classList.toggle("same", other.dataset.field === cell.dataset.field);
        }
      };
      cell.addEventListener("mouseenter", told);
      cell.addEventListener("focus", told);
      return cell;
    });
  };

  const showHeaders = (layers) => {
    byId("field").textContent = layers ? words.choose : words.no_frame;
    const made = (layers || []).map((layer, at) => {
      const box = element("details", "layer");
      // What the frame is for is innermost; the layers below it are one click away.
      box.open = at >= 1;
      box.append(element("summary", layer.class, `${layer.name}  ${layer.length} ${words.bytes}`));
      const bits = element("div", "bits");
      bits.append(...layer.fields.filter((field) => field[3] > 0).flatMap(cells));
      box.append(bits);
      return box;
    });
    byId("layers").replaceChildren(...made);
  };

  const show = (number, focus) => {
    current = Math.max(0, Math.min(steps.length, number));
    steps.forEach((step, at) => {
      step.classList.toggle("future", at >= current);
      if (at + 1 === current) step.setAttribute("aria-current", "step");
      else step.removeAttribute("aria-current");
    });
    const step = steps[current - 1];
    showStates(step);
    showHeaders(step ? frames[current - 1] : null);
    byId("place").textContent = `${current} / ${steps.length}`;
    byId("said").textContent = step ? step.getAttribute("aria-label") : words.keys;
    byId("first").disabled = byId("previous").disabled = current === 0;
    byId("next").disabled = byId("last").disabled = current === steps.length;
    if (step) {
      if (focus) step.focus({ preventScroll: true });
      const room = byId("now").getBoundingClientRect().bottom;
      const { top, bottom } = step.getBoundingClientRect();
      if (top < room || bottom > innerHeight - 40) scrollBy(0, top - room - (innerHeight - room) / 2);
    }
    const hash = `#step=${current}`;
    if (location.hash !== hash) history.replaceState(null, "", hash);
  };

  const fromHash = () => Number((/^#step=(\d+)$/.exec(location.hash) || [0, 0])[1]);

  byId("first").addEventListener("click", () => show(0));
  byId("previous").addEventListener("click", () => show(current - 1));
  byId("next").addEventListener("click", () => show(current + 1));
  byId("last").addEventListener("click", () => show(steps.length));
  steps.forEach((step, at) => step.addEventListener("click", () => show(at + 1)));
  addEventListener("hashchange", () => show(fromHash()));
  addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const targets = { ArrowRight: current + 1, ArrowLeft: current - 1, PageDown: current + 1, PageUp: current - 1, Home: 0, End: steps.length };
    if (!(event.key in targets)) return;
    event.preventDefault();
    show(targets[event.key], steps.includes(document.activeElement));
  });

  const dark = (on) => root.classList.toggle("dark", on);
  const preference = matchMedia("(prefers-color-scheme: dark)");
  dark(preference.matches);
  preference.addEventListener("change", () => dark(preference.matches));
  byId("theme").addEventListener("click", () => dark(!root.classList.contains("dark")));

  show(fromHash());
})();
