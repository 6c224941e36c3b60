// Sliders, for panels that have some: goes before panel.js, which calls extend().
// One slider: over its own numbers, or over stops of (value, text). What code turns it follows,
// but never under the reader's hand, nor before the kernel has done what the reader asked for.
function slider(model, id, parent) {
  const box = make("div", "vocx-dial", parent);
  const label = make("label", "vocx-dial-label", box);
  const name = make("span", "", label);
  const input = make("input", "vocx-dial-input", label);
  input.type = "range";
  const value = make("output", "vocx-dial-value", box);
  const hint = make("span", "vocx-hint", box);
  let spec, wait, later, late, held = 0, pending = -1;
  const say = (text) => {
    value.textContent = input.ariaValueText = text;
  };
  const send = () => {
    pending = spec.applied;
    const to = spec.stops ? spec.stops[input.value][0] : Number(input.value);
    report(model, { do: "dial", id, value: to });
    clearTimeout(late);
    late = setTimeout(() => {
      if (pending >= 0) say(`${value.textContent} …`);
    }, 900);
  };
  input.oninput = () => {
    say(spec.stops ? spec.stops[input.value][1] : `${input.value} ${spec.unit}`);
    held = performance.now() + 1200;
    clearTimeout(wait);
    wait = setTimeout(send, 80);
  };
  box.show = (next) => {
    spec = next;
    clearTimeout(later);
    const left = held - performance.now();
    if (left > 0) later = setTimeout(() => box.show(spec), left + 9);
    if (spec.applied === pending) return;
    pending = -1;
    if (left > 0) return;
    name.textContent = spec.label;
    box.title = hint.textContent = spec.hint;
    hint.hidden = !spec.roomy;
    box.classList.toggle("vocx-roomy", spec.roomy);
    for (const key of ["min", "max", "step"]) input[key] = spec[key];
    input.value = spec.at;
    say(spec.text);
  };
  return box;
}

function sliders(model, row) {
  const specs = model.get("sliders");
  row.hidden = !specs.length;
  const ids = specs.map((spec) => spec.id).join();
  if (row.dataset.ids !== ids) {
    row.dataset.ids = ids;
    row.replaceChildren();
    for (const { id } of specs) slider(model, id, row).dataset.slider = id;
  }
  specs.forEach((spec, index) => row.children[index].show(spec));
}

function extend(model, el) {
  const row = make("div", "vocx-sliders", el);
  return { sliders: () => sliders(model, row) };
}
