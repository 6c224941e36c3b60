// The head of a view: title, state, buttons, a dial, a table. It only reports what was pressed
// and that it is looked at; everything it shows comes from the kernel's one writer thread.
const LOOK_EVERY_MS = 20000;
const GLYPHS = { live: "●", waiting: "◌", paused: "⏸", stopped: "■", error: "⚠" };

// A kernel that restarts cannot be told anything, and need not be.
function report(model, message) {
  try {
    model.send(message);
  } catch {
    // it is gone
  }
}

function make(tag, name, parent) {
  const node = document.createElement(tag);
  node.className = name;
  parent.append(node);
  return node;
}

// A button's fourth part says whether it is pressed in; the keyboard stays where it was.
function buttons(list, row, model) {
  const at = [...row.children].indexOf(document.activeElement);
  row.replaceChildren();
  row.hidden = !list.length;
  for (const [id, label, hint, pressed] of list) {
    const button = make("button", "vocx-button", row);
    button.type = "button";
    button.textContent = label;
    button.title = hint;
    button.dataset.action = id;
    if (pressed) button.ariaPressed = pressed;
    button.onclick = () => report(model, { do: id });
  }
  if (at >= 0) row.children[at]?.focus();
}

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
    const value = wish.stops ? wish.stops[input.value][0] : Number(input.value);
    report(model, { do: "dial", id, value });
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
    if (left > 0 || wish.turns === pending) return;
    pending = -1;
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

function watch(model, el) {
  let seen = false;
  let told = -LOOK_EVERY_MS;
  const tell = () => {
    if (!seen || document.hidden || performance.now() - told < LOOK_EVERY_MS) return;
    told = performance.now();
    report(model, { do: "look" });
  };
  const eye = new IntersectionObserver((entries) => {
    seen = entries.some((entry) => entry.isIntersecting);
    tell();
  });
  eye.observe(el);
  document.addEventListener("visibilitychange", tell);
  const timer = setInterval(tell, LOOK_EVERY_MS / 4);
  return () => {
    eye.disconnect();
    document.removeEventListener("visibilitychange", tell);
    clearInterval(timer);
  };
}

export default {
  render({ model, el }) {
    el.classList.add("vocx-panel");
    const head = make("div", "vocx-head", el);
    const title = make("span", "vocx-title", head);
    const state = make("span", "vocx-state", head);
    const row = make("span", "vocx-buttons", head);
    const dials = make("div", "vocx-sliders", el);
    const switches = make("div", "vocx-buttons", el);
    const note = make("div", "vocx-note", el);
    const body = make("div", "vocx-body", el);
    const shows = {
      title: () => {
        title.textContent = model.get("title");
        head.hidden = !title.textContent;
      },
      status: () => {
        const level = model.get("level");
        state.dataset.level = level;
        state.textContent = `${GLYPHS[level] ?? ""} ${model.get("status")}`;
      },
      actions: () => buttons(model.get("actions"), row, model),
      switches: () => buttons(model.get("switches"), switches, model),
      sliders: () => sliders(model, dials),
      dials: () => shows.note(),
      note: () => {
        note.textContent = [model.get("note"), model.get("dials")].filter(Boolean).join(" · ");
        note.hidden = !note.textContent;
      },
      body: () => { body.innerHTML = model.get("body"); },
    };
    const names = Object.keys(shows);
    for (const name of names) {
      shows[name]();
      model.on(`change:${name}`, shows[name]);
    }
    model.on("change:level", shows.status);
    const unwatch = watch(model, el);
    return () => {
      unwatch();
      for (const name of names) model.off(`change:${name}`, shows[name]);
      model.off("change:level", shows.status);
    };
  },
};
