// The page's one copy of plotly.js. See plotly_once.py for why each part is there.
const KEY = "__KEY__";

function slot() {
  if (!globalThis[KEY]) {
    const made = {};
    made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
    made.promise.catch(() => {});
    globalThis[KEY] = made;
  }
  return globalThis[KEY];
}

async function unpack(packed) {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const text = await new Response(stream).text();
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  try {
    return await import(url);
  } finally {
    URL.revokeObjectURL(url);
  }
}

// What one view sees of its model: silent towards the kernel, and one update a frame at most. The
// newest has all numbers; what an earlier one changed of the layout is not lost.
function quiet(model) {
  const handlers = [];
  let pending = null;
  let shown = null;
  let frame = 0;
  function oneAFrame(call) {
    return () => {
      const next = model.get("_py2js_update");
      if (next) pending = { ...next, layout_data: { ...pending?.layout_data, ...next.layout_data } };
      if (frame || !pending) return;
      frame = requestAnimationFrame(() => {
        frame = 0;
        shown = pending;
        pending = null;
        try {
          call();
        } finally {
          shown = null;
        }
      });
    };
  }
  const proxy = {
    viewing: false,
    get: (name) => (name === "_py2js_update" && shown ? shown : model.get(name)),
    set() {},
    save_changes() {},
    on(name, call) {
      const draws = proxy.viewing && name === "change:_py2js_update";
      const handler = draws ? oneAFrame(call) : call;
      model.on(name, handler);
      handlers.push([name, handler]);
    },
    drop() {
      cancelAnimationFrame(frame);
      for (const [name, handler] of handlers.splice(0)) model.off(name, handler);
    },
  };
  return proxy;
}

function drawer(bundle) {
  const views = new WeakMap();
  const shape = bundle.FigureView?.prototype;
  if (shape) {
    shape._sendTraceDeltas = () => {};
    shape._sendLayoutDelta = () => {};
    const render = shape.perform_render;
    shape.perform_render = function () {
      views.set(this.el, this);
      return render.call(this);
    };
  }
  return async (model, el) => {
    const proxy = quiet(model);
    const figure = await bundle.default();
    await figure.initialize({ model: proxy });
    proxy.viewing = true;
    const remove = await figure.render({ model: proxy, el });
    let width = 0;
    const sizes = new ResizeObserver(() => {
      if (!el.clientWidth || el.clientWidth === width) return;
      width = el.clientWidth;
      views.get(el)?.autosizeFigure?.();
    });
    sizes.observe(el);
    return () => {
      sizes.disconnect();
      proxy.drop();
      remove?.();
    };
  };
}

export default {
  initialize({ model }) {
    const here = slot();
    if (here.started) return;
    here.started = true;
    unpack(model.get("bundle")).then(
      (bundle) => here.resolve(drawer(bundle)),
      (error) => {
        delete globalThis[KEY];
        here.reject(error);
      },
    );
  },
};
