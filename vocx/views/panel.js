// The head of a view: title, state, buttons, switches, a table. It only reports what was pressed and that it
// is looked at; everything it shows comes from the kernel's one writer thread. sliders.js, where it
// goes before this, puts sliders below the head. One thing the page says by itself: that the kernel,
// which counts a beat on once a second, is silent. Then all of the view is greyed.
const LOOK_EVERY_MS = 20000;
const SILENT_AFTER_MS = 3000;
const GLYPHS = { live: "●", waiting: "◌", paused: "⏸", stopped: "■", error: "⚠", silent: "⚠" };
// What buttons and sliders live on, and JupyterLab would take for its cells.
const KEYS = /^(Arrow|Page|Home|End|Enter| )/;

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

// Seconds of silence, told to changed(); 0 while there is none, and for a view that has ended.
function listen(model, el, changed) {
  let heard = performance.now();
  let silent = 0;
  const look = () => {
    const past = performance.now() - heard;
    const alive = past < SILENT_AFTER_MS || ["", "stopped"].includes(model.get("level"));
    const now = alive ? 0 : Math.round(past / 1000);
    if (now === silent) return;
    silent = now;
    (el.closest(".vocx-widget") ?? el).classList.toggle("vocx-silent", silent > 0);
    changed(silent);
  };
  const hear = () => {
    heard = performance.now();
    look();
  };
  model.on("change:beat", hear);
  const timer = setInterval(look, 250);
  return () => {
    model.off("change:beat", hear);
    clearInterval(timer);
  };
}

export default {
  render({ model, el }) {
    el.classList.add("vocx-panel");
    el.addEventListener("keydown", (event) => {
      if (KEYS.test(event.key) && !event.shiftKey && !event.ctrlKey) event.stopPropagation();
    });
    const head = make("div", "vocx-head", el);
    const title = make("span", "vocx-title", head);
    const state = make("span", "vocx-state", head);
    const row = make("span", "vocx-buttons", head);
    let silent = 0;
    const more = typeof extend === "function" ? extend(model, el) : {};
    const switches = make("div", "vocx-buttons vocx-switches", el);
    const note = make("div", "vocx-note", el);
    const body = make("div", "vocx-body", el);
    const shows = {
      title: () => {
        title.textContent = model.get("title");
        head.hidden = !title.textContent;
      },
      status: () => {
        const level = silent ? "silent" : model.get("level");
        state.dataset.level = level;
        const said = silent
          ? `the kernel has been silent for ${silent} s. Busy? Wait. Ended? Run the cell again`
          : model.get("status");
        state.textContent = `${GLYPHS[level] ?? ""} ${said}`;
      },
      actions: () => buttons(model.get("actions"), row, model),
      switches: () => buttons(model.get("switches"), switches, model),
      ...more,
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
    const unlisten = listen(model, el, (seconds) => {
      silent = seconds;
      row.inert = switches.inert = silent > 0;
      shows.status();
    });
    return () => {
      unwatch();
      unlisten();
      for (const name of names) model.off(`change:${name}`, shows[name]);
      model.off("change:level", shows.status);
    };
  },
};
