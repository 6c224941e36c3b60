// Sliders and switches, for panels that have some: goes before panel.js, which calls extend().
// One slider: over its own numbers, or over stops of (value, text). What code turns it follows,
// but never under the reader's hand, nor before the kernel has done what the reader wished.
function slider(model, id, parent) {
  const box = make("div", "vocx-dial", parent);
  const label = make("label", "vocx-dial-label", box);
  const name = make("span", "", label);
  const input = make("input", "vocx-dial-input", label);
  input.type = "range";
  const value = make("output", "vocx-dial-value", box);
  const hint = make("span", "vocx-hint", box);
  let wish, wait, later, late, held = 0, pending = -1;
  const say = (text) => {
    value.textContent = input.ariaValueText = text;
  };
  const send = () => {
    pending = wish.turns;
    const to = wish.stops ? wish.stops[input.value][0] : Number(input.value);
    report(model, { do: "dial", id, value: to });
    clearTimeout(late);
    late = setTimeout(() => {
      if (pending >= 0) say(`${value.textContent} …`);
    }, 900);
  };
  input.oninput = () => {
    say(wish.stops ? wish.stops[input.value][1] : `${input.value} ${wish.unit}`);
    held = performance.now() + 1200;
    clearTimeout(wait);
    wait = setTimeout(send, 80);
  };
  box.show = (next) => {
    wish = next;
    clearTimeout(later);
    const left = held - performance.now();
    if (left > 0) later = setTimeout(() => box.show(wish), left + 9);
    if (wish.turns === pending) return;
    pending = -1;
    if (left > 0) return;
    name.textContent = wish.label;
    box.title = hint.textContent = wish.hint;
    hint.hidden = !wish.roomy;
    box.classList.toggle("vocx-roomy", wish.roomy);
    for (const key of ["min", "max", "step"]) input[key] = wish[key];
    input.value = wish.at;
    say(wish.text);
  };
  return box;
}

function sliders(model, row) {
  const wishes = model.get("sliders");
  row.hidden = !wishes.length;
  const ids = wishes.map((wish) => wish.id).join();
  if (row.dataset.ids !== ids) {
    row.dataset.ids = ids;
    row.replaceChildren();
    for (const { id } of wishes) slider(model, id, row).dataset.slider = id;
  }
  wishes.forEach((wish, index) => row.children[index].show(wish));
}

function extend(model, el) {
  const row = make("div", "vocx-sliders", el);
  const switches = make("div", "vocx-buttons", el);
  return {
    sliders: () => sliders(model, row),
    switches: () => buttons(model.get("switches"), switches, model),
  };
}
