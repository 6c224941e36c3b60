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

function buttons(model, row) {
  row.replaceChildren();
  for (const [id, label, hint] of model.get("actions")) {
    const button = make("button", "vocx-button", row);
    button.type = "button";
    button.textContent = label;
    button.title = hint;
    button.dataset.action = id;
    button.onclick = () => report(model, { do: id });
  }
}

function dial(model, row) {
  const wish = model.get("dial");
  row.hidden = !wish.label;
  if (!wish.label) return;
  if (!row.firstChild) {
    const label = make("label", "vocx-dial-label", row);
    make("span", "", label);
    const input = make("input", "vocx-dial-input", label);
    input.type = "range";
    make("output", "vocx-dial-value", row);
    make("span", "vocx-dials", row);
    let timer = 0;
    input.oninput = () => {
      row.querySelector("output").textContent = `${input.value} ${model.get("dial").unit}`;
      clearTimeout(timer);
      timer = setTimeout(() => report(model, { do: "dial", value: Number(input.value) }), 80);
    };
  }
  const input = row.querySelector("input");
  row.querySelector("label span").textContent = wish.label;
  for (const key of ["min", "max", "step"]) input[key] = wish[key];
  if (document.activeElement !== input || !input.dataset.set) {
    input.value = wish.value;
    input.dataset.set = "1";
    row.querySelector("output").textContent = `${wish.value} ${wish.unit}`;
  }
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
    const dialRow = make("div", "vocx-dial", el);
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
      actions: () => buttons(model, row),
      dial: () => dial(model, dialRow),
      dials: () => {
        const text = model.get("dials");
        const place = dialRow.querySelector(".vocx-dials");
        if (place) place.textContent = text;
        else note.dataset.dials = text;
        shows.note();
      },
      note: () => {
        const inRow = dialRow.querySelector(".vocx-dials");
        note.textContent = [model.get("note"), inRow ? "" : model.get("dials")]
          .filter(Boolean).join(" · ");
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
