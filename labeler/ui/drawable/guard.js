// The canvas's guard. streamlit-drawable-canvas 0.13 sends what was drawn 200 ms after the last
// change and forgets it when it is taken away sooner; it loses what is drawn before it is ready;
// and it draws wrong boxes when the pointer leaves it. This component stands between the person
// and the canvas so that none of that can happen:
//
// - it tells the page how much room there is for the canvas;
// - a canvas can be seen and used only once its picture and its boxes are painted, and a drag that
//   began on it a moment too early is kept and drawn then;
// - a click on anything that leaves the image waits until the canvas has sent everything, and nothing
//   more can be drawn meanwhile; after "back", the page waits for the same; where the connection broke before it
//   was answered, the click is made again;
// - a box that is drawn right after its label was chosen waits until the canvas has that label;
// - a drag is passed on clipped to the picture, and only once it is a drag; one by finger when the
//   finger is lifted, and not at all where a second finger came;
// - keys press the buttons that are on the page;
// - what the page knows of the canvas is kept in the tab for the next instance of the program.

/** The window, with what components put there for one another. @type {any} */
const tab = window;
const SEND_AFTER = 200; // the canvas's own delay, in ms
const QUIET_AFTER = SEND_AFTER + 60;
const DRAG_FROM = 3; // CSS pixels
const ANSWER_WITHIN = 15000;
const ASK_AGAIN_AFTER = 100;
const READY_WITHIN = 8000;
const PICTURE_WITHIN = 3000;
const RETRY_AFTER = 500;
const FIRST_SIZE_AFTER = 30;
const RESIZE_AFTER = 250;
const MOUNTED_AGAIN_WITHIN = 100; // it is one change of the page
const MOST_FURTHER = 20;
const LEAST_HEIGHT = 260;
const BELOW_CANVAS = 64;
const TOOLBAR = 20;
const MENU = ".st-key-label_menu [aria-expanded=true]";
const SHOW = "visibility: visible !important; pointer-events: auto !important;";
const HOLD = "visibility: visible !important; pointer-events: none !important; cursor: progress;";
const OUTLINE_STYLE = `
  position: fixed; z-index: 40; box-sizing: border-box; pointer-events: none;
  border: 2px solid #fff; outline: 1px solid #000;`;
const TOOLBAR_STYLE = `
  .dc-toolbar { opacity: 1 !important; top: -2.65rem !important; z-index: 30; }
  .dc-icon-button { min-width: 2rem; min-height: 2rem; }
  .dc-icon-button svg { width: 1.1rem; height: 1.1rem; }
  /* Everything is sent by itself; "reset" would throw boxes away that undo can't bring back. */
  .dc-icon-button[title^="Update"], .dc-icon-button[title^="Reset"] { display: none; }`;

function createGuard() {
  const listeners = new AbortController();
  const options = { capture: true, signal: listeners.signal, passive: false };
  const rule = document.head.appendChild(document.createElement("style"));
  const outline = document.createElement("div"); // of a drag by finger, until it is over
  outline.style.cssText = OUTLINE_STYLE;
  const fetched = new Map();
  const retried = new Set(); // pictures for which there was a second canvas
  let element = null; // this component's own, of no size but as wide as the canvas may be
  let attached = false; // whether that is on the page
  let component = null;
  let task = null;
  let lastChange = 0; // when the person last did something on the canvas
  let drag = null;
  const early = []; // what came before the canvas could take it, in order: drags, and the clicks after
  let choosing = false; // a label was chosen, and no run has had it yet
  let used = {}; // the canvas that was shown last: its key, its element
  let pressed = false; // something that leaves the image is pressed, and not let go yet
  let leaving = false; // a click that leaves the image has been passed on, no answer yet
  let clicked = null; // the last button that leaves the image, until it has been answered
  let further = []; // presses of D and A from while the page was on its way to another image
  let replaying = false;
  let generation = 0; // counts runs of the page: older waits end
  let said = { seq: 0, room: { width: 0, height: 0 }, renew: 0 }; // what the page is told
  let stayInEdit = ""; // the image whose next canvas is to be in edit mode too
  let owed = null; // what a new session has not heard yet of the canvas
  let expected = 0; // the held canvas waits for a run that has heard this much
  let resizeTimer = 0;

  const canvasBox = () => task && document.querySelector(`.st-key-${CSS.escape(task.canvas)}`);

  // --- the canvas's own elements, inside its shadow root ---------------------------------

  function parts(box = canvasBox()) {
    const find = (root) => {
      const found = root.querySelector(".dc-root");
      if (found) return found;
      for (const child of root.querySelectorAll("*")) {
        const inside = child.shadowRoot && find(child.shadowRoot);
        if (inside) return inside;
      }
      return null;
    };
    const root = box && find(box);
    if (!root) return null;
    const upper = root.querySelector("canvas.upper-canvas");
    const lower = root.querySelector("canvas.dc-canvas.lower-canvas");
    const picture = root.querySelector("canvas.dc-background-canvas");
    const buttons = [...root.querySelectorAll(".dc-icon-button")];
    if (!upper || !lower || !picture) return null;
    return { root, upper, lower, picture, buttons };
  }

  const toolbarButton = (found, name) =>
    found.buttons.find((button) =>
      (button.title || button.ariaLabel || "").toLowerCase().includes(name),
    );
  const editing = (found) => !!found && toolbarButton(found, "edit")?.ariaPressed === "true";
  // Until the canvas's style sheet is there, its layers lie below one another.
  const laidOut = ({ upper, picture }) => {
    const [a, b] = [upper.getBoundingClientRect(), picture.getBoundingClientRect()];
    return a.width > 0 && Math.abs(a.top - b.top) < 1 && Math.abs(a.left - b.left) < 1;
  };
  const painted = (canvas) => {
    if (!canvas.width || !canvas.height) return false;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    for (let i = 3; i < data.length; i += 4) if (data[i]) return true;
    return false;
  };

  // Whether Streamlit says that the canvas can't be shown.
  const failed = () => !!canvasBox()?.querySelector("[data-testid=stException], [role=alert]");

  // Whether the canvas has been told the label that this component has.
  const told = ({ root }) =>
    root.querySelector(".dc-scroll")?.style.maxHeight === `${task.mark}px`;

  // --- ready, quiet, held ----------------------------------------------------------------

  const quietIn = () => (drag || early.length ? QUIET_AFTER : Math.max(0, lastChange + QUIET_AFTER - Date.now()));
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  async function quiet() {
    for (let wait = quietIn(); wait > 0; wait = quietIn()) await pause(wait);
  }

  function setRule(style) {
    const name = task ? CSS.escape(task.canvas) : "";
    rule.textContent = name && style ? `.st-key-${name} { ${style} }` : "";
    element.dataset.state = style === SHOW ? "ready" : style === HOLD ? "held" : "waiting";
    document.documentElement.dataset.canvas = element.dataset.state;
  }

  async function untilReady() {
    const mine = ++generation;
    const deadline = Date.now() + READY_WITHIN;
    pressed = false;
    setTimeout(() => mine === generation && seePicture(mine), PICTURE_WITHIN);
    if (!rule.textContent.includes(`.st-key-${CSS.escape(task.canvas)} `)) setRule("");
    for (;;) {
      const found = parts();
      // The page may give the place a new name a moment before the old canvas has left it, and
      // may keep the old canvas beside the new one for a moment, which then moves.
      const alone = document.querySelectorAll("[class*=st-key-canvas_]").length === 1;
      if (found && alone && (found.root.dataset.canvas ??= task.canvas) === task.canvas) {
        dress(found);
        if (remounted(found)) {
          replace();
          return;
        }
        const complete =
          (told(found) || Date.now() > deadline) &&
          laidOut(found) &&
          (painted(found.picture) || Date.now() > deadline) &&
          (task.boxes === 0 || painted(found.lower) || Date.now() > deadline);
        if (complete) break;
      }
      if (!found && failed()) {
        // Its files could not be fetched; there is nothing on it that could be lost.
        await pause(RETRY_AFTER);
        if (mine === generation) say({ failed: task.canvas });
        return;
      }
      if (Date.now() > deadline + 2000) break;
      await pause(16);
      if (mine !== generation) return;
    }
    // One more frame: the drawing tool is set up right after the boxes have been painted.
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 30)));
    if (mine !== generation) return;
    leaving = false;
    const edit = stayInEdit && stayInEdit === image() && toolbarButton(parts(), "edit");
    if (edit && edit.ariaPressed !== "true") edit.click();
    stayInEdit = "";
    release();
    if (!leaving) clickAgain();
    if (!leaving && further.length) pressOrGoOn(further.shift());
  }

  // Streamlit may mount a canvas a second time. Then what was drawn on it is the page's alone.
  const remounted = ({ root }) => used.key === task.canvas && used.root !== root;

  function replace() {
    holdUntilAnswered();
    say({ failed: task.canvas });
  }

  function release() {
    pressed = false;
    const root = parts()?.root;
    if (root && used.key !== task.canvas) used = { key: task.canvas, root };
    setRule(SHOW);
    catchUp();
  }

  // A picture that could not be fetched stays away, until it is another canvas.
  async function seePicture(mine) {
    const url = task.picture;
    const missing = () => mine === generation && parts() && !painted(parts().picture);
    for (let attempt = 0; attempt < 6 && missing(); attempt += 1) {
      const answer = await fetch(url).catch(() => null);
      if (answer?.ok) {
        await answer.blob(); // as long as it takes: the canvas may be waiting for the same
        await pause(RETRY_AFTER);
        await quiet();
        if (!missing() || retried.has(url)) return;
        retried.add(url); // once: there are pictures with nothing on them
        replace();
        return;
      }
      await pause(RETRY_AFTER * 2 ** attempt);
    }
  }

  function dress(found) {
    if (found.root.querySelector("style[data-guard]")) return;
    const style = document.createElement("style");
    style.dataset.guard = "";
    style.textContent = TOOLBAR_STYLE;
    found.root.append(style);
  }

  function closeLabelEditor(found) {
    // The canvas's label editor keeps its text to itself until it is closed, and fails where a
    // click closes it. Escape does it well.
    const field = found?.root.querySelector("textarea");
    if (!field) return;
    lastChange = Date.now();
    const init = { key: "Escape", keyCode: 27, bubbles: true, cancelable: true };
    // It closes, and then fails over a canvas that it has left already: nobody has to hear of that.
    const hush = (event) => event.preventDefault();
    window.addEventListener("error", hush);
    field.dispatchEvent(new KeyboardEvent("keydown", init));
    window.removeEventListener("error", hush);
  }

  // --- clicks that leave the image -------------------------------------------------------

  const leaveTarget = (event) =>
    event
      .composedPath()
      .find((node) => node.className && String(node.className).includes(`st-key-${task.leave}`)) &&
    event.composedPath().find((node) => node.matches?.("button, label, [role=option]"));

  function onPointerDownAnywhere(event) {
    // From the press on, not only from the click: nothing may be begun in between.
    const target = task && !replaying && leaveTarget(event);
    if (!target || target.disabled || !rule.textContent.includes(SHOW)) return;
    pressed = true;
    setRule(HOLD);
  }

  function onPointerUpAnywhere() {
    // A press that no click follows (let go elsewhere, say) leaves nothing.
    setTimeout(() => pressed && release(), 50);
  }

  function onClick(event) {
    if (!task || replaying) return;
    const target = leaveTarget(event);
    if (!target || target.disabled) return;
    if (leaving || leavesSoon()) {
      stop(event); // the first click is on its way
      return;
    }
    stop(event);
    if (event.detail) target.blur(); // by pointer: the space bar is for "done", not for this again
    const [key] = keyOf(target) ?? [];
    const { session } = task;
    clicked = key && target.matches("button") && { key, image: image(), session, losses: losses() };
    leave(() => target.click());
  }

  const keyOf = (node) => node.closest("[class*=st-key-leave_]")?.className.match(/st-key-leave_\S+/);
  const image = () => task?.image ?? "";
  const leavesSoon = () => early.some(({ leaves }) => leaves);
  const losses = () => tab.labelerPresence?.losses() ?? 0;

  // An instance that ended with a click may never have heard it, or could not say that it had. Or
  // the click came to one that knew nothing of this tab yet.
  async function clickAgain() {
    const again = clicked;
    const { key, ...then } = again || {};
    clicked = null;
    if (!key || then.image !== image()) return;
    if (then.session === task.session && then.losses === losses()) return;
    // The buttons may be those of the next image already, whose canvas is still to come.
    if (!document.querySelector(`.st-key-skip_${CSS.escape(then.image)}`)) return;
    if (pressOrGoOn(key)) return;
    // Without a connection all buttons are disabled, a moment before anybody says so.
    clicked = again;
    await pause(ASK_AGAIN_AFTER);
    if (clicked === again && tab.labelerPresence?.connected() !== false) clicked = null;
  }

  // Whether there was something to press. Whoever marks an image as it is marked already only wants to go on.
  function pressOrGoOn(key) {
    const button = (name) =>
      /** @type {HTMLButtonElement} */ (document.querySelector(`.${CSS.escape(name)} button`));
    const found = button(key);
    const marked = found?.disabled && /leave_(done|skip)$/.test(key);
    return press(marked ? button("st-key-leave_next") : found);
  }

  async function leave(act) {
    if (early.length) {
      early.push({ act: () => leave(act), leaves: true });
      return;
    }
    leaving = true;
    stayInEdit = "";
    holdUntilAnswered();
    closeLabelEditor(parts());
    await quiet();
    await pause(0); // browsers drop a click from within the press of a key on the same element
    replaying = true;
    act();
    replaying = false;
    say({}); // after the click: a run that has heard this has seen the click
  }

  async function holdUntilAnswered() {
    const mine = ++generation;
    expected = said.seq + 1;
    pressed = false;
    setRule(HOLD);
    await pause(ANSWER_WITHIN);
    if (mine !== generation) return;
    expected = 0; // no answer came: let the person go on, and try again
    leaving = choosing = false;
    further = [];
    release(); // with the click, for the instance that comes after a lost connection
  }

  // Whether the page's last run had the label that its picker shows.
  function hasLabel() {
    /** @type {HTMLInputElement} */
    const button = document.querySelector(".st-key-label input:checked");
    if (button) return Number(button.value) === task.label.place;
    /** @type {HTMLInputElement} */
    const menu = document.querySelector(".st-key-label_menu input");
    return !menu || menu.value === task.label.name;
  }

  function onLabel(event) {
    // The canvas goes on with the label that it has until the page has run: a box that is drawn
    // before that waits for it.
    const at = (what) => event.composedPath().find((node) => node.matches?.(what));
    const chosen = {
      click: () =>
        at(".st-key-label label:not(:has(input:checked))") ||
        (document.querySelector(MENU) && at("[role=option]")),
      keydown: () =>
        (at(".st-key-label") && event.key.startsWith("Arrow")) ||
        (at(".st-key-label_menu") && event.key === "Enter"),
    };
    if (!task?.canvas || leaving) return;
    if (early.length && !replaying) {
      const choice = at(".st-key-label label") ?? chosen[event.type]();
      if (choice) chooseLater(event, choice);
      return;
    }
    if (!chosen[event.type]()) return;
    choosing = true;
    holdUntilAnswered();
    setTimeout(() => say({})); // after the choice, which the picker may send still later
  }

  // Boxes that wait for a label get that one, not the one that is chosen after them.
  function chooseLater(event, choice) {
    if (event.type === "keydown") {
      if (/^(Arrow|Enter)/.test(event.key)) stop(event); // can't be pressed again by program
      return;
    }
    stop(event);
    const place = labelButtons().indexOf(choice);
    const act = () => {
      replaying = true;
      (labelButtons()[place] ?? choice).click();
      replaying = false;
    };
    if (early.at(-1).choice !== choice) early.push({ act, choice }); // the picker clicks as well
  }

  const labelButtons = () =>
    [.../** @type {NodeListOf<HTMLElement>} */ (
      document.querySelectorAll(".st-key-label [role=radiogroup] label")
    )];

  function say(news) {
    said = { ...said, memo: owed?.memo ?? null, session: task.session, ...news, seq: said.seq + 1 };
    component.setStateValue("said", said);
  }

  function stop(event) {
    event.stopImmediatePropagation();
    event.preventDefault();
  }

  // --- drags -------------------------------------------------------------------------------

  function onPointerDown(event) {
    further = [];
    onPointerDownAnywhere(event);
    if (drag && !drag.edit && event.isTrusted && event.pointerId !== drag.id) {
      if (drag.touch) cancelDrag(); // two fingers zoom or scroll, they draw nothing
      return;
    }
    const found = task && event.isTrusted && parts();
    if (!found) return;
    if (element.dataset.state === "ready" && remounted(found)) replace();
    const soon =
      element.dataset.state !== "ready" && !leaving && !leavesSoon() && covers(found.upper, event);
    if (!soon && event.composedPath()[0] !== found.upper) return;
    lastChange = Date.now();
    giveUpFocus(found); // keys are for the picture again
    closeLabelEditor(found);
    if (editing(found)) {
      const corner = /^(nw|ne|sw|se|nwse|nesw)-resize$/.test(found.upper.style.cursor);
      drag = { id: event.pointerId, edit: true, corner };
      return;
    }
    if (!event.isPrimary || event.button !== 0) return;
    const box = found.upper.getBoundingClientRect();
    const start = within(box, event);
    const touch = event.pointerType === "touch";
    drag = { id: event.pointerId, upper: found.upper, touch, start, at: start, begun: false };
    if (soon) early.push(Object.assign(drag, { box, image: image(), early: true }));
    else found.upper.setPointerCapture(event.pointerId);
  }

  function onPointerMove(event) {
    if (!drag || event.pointerId !== drag.id || drag.edit) return;
    // The canvas that an early drag began on may be off the page by now, and has no place then.
    drag.at = within(drag.early ? drag.box : drag.upper.getBoundingClientRect(), event);
    if (!drag.early) follow();
  }

  function giveUpFocus(found) {
    let active = document.activeElement;
    while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
    const focused = /** @type {HTMLElement} */ (active);
    if (!found.root.contains(active)) focused?.blur();
  }

  function follow() {
    const far = Math.max(Math.abs(drag.at.x - drag.start.x), Math.abs(drag.at.y - drag.start.y));
    if (drag.touch && !drag.ended) {
      // The canvas can't give up a box: it hears of this one when no second finger can come.
      if (far >= DRAG_FROM) showOutline();
      return;
    }
    if (!drag.begun && far >= DRAG_FROM) {
      drag.begun = true;
      clicked = null; // they have thought better of it
      pass("mousedown", drag.start, 1);
    }
    if (drag.begun) {
      // The canvas forgets where the drag began when it turns back: say it again.
      const begin = { x: drag.start.x - 1e-6, y: drag.start.y - 1e-6 };
      pass("mousemove", begin, 1);
      pass("mousemove", drag.at, 1);
    }
  }

  function onPointerUp(event) {
    onPointerUpAnywhere();
    if (!drag || event.pointerId !== drag.id) return;
    drag.ended = true;
    if (drag.early) drag = null;
    else endDrag();
  }

  function onPointerCancel(event) {
    onPointerUpAnywhere();
    if (!drag || event.pointerId !== drag.id) return;
    if (drag.touch) cancelDrag();
    else onPointerUp(event);
  }

  function cancelDrag() {
    if (drag.early) early.splice(early.indexOf(drag), 1);
    outline.remove();
    drag = null;
  }

  function showOutline() {
    const { start, at } = drag;
    Object.assign(outline.style, {
      left: `${Math.min(start.x, at.x)}px`,
      top: `${Math.min(start.y, at.y)}px`,
      width: `${Math.abs(at.x - start.x)}px`,
      height: `${Math.abs(at.y - start.y)}px`,
    });
    if (!outline.isConnected) document.body.append(outline);
  }

  function endDrag() {
    if (drag.touch) follow();
    outline.remove();
    lastChange = Date.now();
    if (drag.begun) pass("mouseup", drag.at, 0);
    drag = null;
  }

  function catchUp() {
    const upper = parts()?.upper;
    const now = upper?.getBoundingClientRect();
    while (early.length) {
      const one = early.shift();
      if (one.act) {
        one.act();
        if (held()) return; // what came after it waits for its answer
        continue;
      }
      const pressed = drag;
      drag = null;
      if (now && one.image === image()) drawLate(one, upper, now); // else meant for another picture
      if (pressed !== one) drag = pressed;
    }
  }

  function drawLate(one, upper, now) {
    // The same place on the picture, which may have another size by now.
    const moved = ({ x, y }) => ({
      x: now.left + ((x - one.box.left) / one.box.width) * now.width,
      y: now.top + ((y - one.box.top) / one.box.height) * now.height,
    });
    drag = Object.assign(one, { upper, start: moved(one.start), at: moved(one.at), early: false });
    follow();
    if (one.ended) endDrag();
  }

  function covers(upper, event) {
    const box = upper.getBoundingClientRect();
    const across = event.clientX >= box.left && event.clientX <= box.right;
    return across && event.clientY >= box.top && event.clientY <= box.bottom;
  }

  function onNative(event) {
    // What the canvas would make of it by itself is what the drags above are for.
    if (!event.isTrusted || !task) return;
    const found = parts();
    if (found && drag?.corner && event.type === "mousemove" && !event.shiftKey) {
      // With Shift the canvas lets a corner go where it is dragged, else it keeps the proportions.
      stop(event);
      const { clientX, clientY, buttons } = event;
      pass("mousemove", { x: clientX, y: clientY }, buttons, found.upper, true);
      return;
    }
    if (!found || editing(found)) return;
    if (drag || event.composedPath()[0] === found.upper) {
      if (event.composedPath()[0] === found.upper && event.cancelable) event.preventDefault();
      if (drag || event.type !== "mousemove") event.stopImmediatePropagation();
    }
  }

  function within(box, event) {
    return {
      x: Math.min(Math.max(event.clientX, box.left), box.right),
      y: Math.min(Math.max(event.clientY, box.top), box.bottom),
    };
  }

  function pass(type, at, buttons, upper = drag.upper, shiftKey = false) {
    // A PointerEvent under the mouse event's name: it keeps fractions of a pixel.
    const init = { clientX: at.x, clientY: at.y, button: 0, buttons, isPrimary: true, shiftKey };
    const shared = { bubbles: true, composed: true, cancelable: true, view: window };
    upper.dispatchEvent(new PointerEvent(type, { ...init, ...shared }));
  }

  function onCanvasClick(event) {
    // Undo, redo, delete and reset count as changes like a drag does.
    const found = task && parts();
    if (found && event.composedPath().includes(found.root)) lastChange = Date.now();
  }

  // --- keys --------------------------------------------------------------------------------

  const pressable = {
    d: "leave_next",
    a: "leave_previous",
    " ": "leave_done",
    s: "leave_skip",
  };
  const tools = { e: "edit", delete: "delete", backspace: "delete" };

  function typing(event) {
    const node = event.composedPath()[0];
    return node.isContentEditable || /^(input|textarea|select)$/i.test(node.tagName)
      ? node.type !== "radio" && node.type !== "checkbox"
      : false;
  }

  function onKey(event) {
    if (task && event.isTrusted && event.key === "Enter" && parts()?.root.querySelector("textarea")) {
      stop(event); // a label has one line
      closeLabelEditor(parts());
      return;
    }
    if (!task || event.altKey || typing(event) || document.querySelector("[role=dialog]")) return;
    const key = event.key.toLowerCase();
    const found = parts();
    if (event.ctrlKey || event.metaKey) {
      const redo = key === "y" || (key === "z" && event.shiftKey);
      if ((key === "z" || key === "y") && found && !held()) {
        stop(event);
        press(toolbarButton(found, redo ? "redo" : "undo"));
      }
      return;
    }
    if (key === " " && /^(button|a)$/i.test(event.composedPath()[0].tagName)) return;
    if (key in pressable) {
      stop(event);
      if (event.repeat) return;
      const name = `st-key-${pressable[key]}`;
      if (leaving || leavesSoon()) goFurther(key, name);
      else pressOrGoOn(name);
    } else if (key in tools && found && !held()) {
      stop(event);
      press(toolbarButton(found, tools[key]));
    } else if (/^[1-9]$/.test(key)) {
      const button = labelButtons()[key - 1];
      if (button) stop(event), button.click();
    }
  }

  // Nothing is marked that nobody has seen.
  function goFurther(key, name) {
    if (key === "a" || key === "d") further = [...further, name].slice(0, MOST_FURTHER);
  }

  const held = () => !rule.textContent.includes(SHOW);
  function press(button) {
    if (!button || button.disabled) return false;
    button.click();
    return true;
  }

  // --- room --------------------------------------------------------------------------------

  async function measure() {
    const box = element.getBoundingClientRect();
    if (!box.width) return;
    const scroller = document.querySelector("[data-testid=stMain]") ?? document.documentElement;
    const top = box.bottom + scroller.scrollTop;
    const room = {
      width: Math.floor(box.width),
      height: Math.floor(Math.max(LEAST_HEIGHT, window.innerHeight - top - TOOLBAR - BELOW_CANVAS)),
    };
    const [width, height] = [room.width - said.room.width, room.height - said.room.height];
    if (Math.abs(width) < 20 && Math.abs(height) < 60) return;
    await quiet();
    // Another room is another canvas: nothing may be drawn on this one any more.
    stayInEdit = editing(parts()) ? image() : "";
    if (task.canvas) holdUntilAnswered();
    say({ room });
  }

  function measureSoon(ms) {
    clearTimeout(resizeTimer);
    resizeTimer = setTimeout(measure, ms);
  }

  // --- runs of the page ----------------------------------------------------------------------

  function update(next) {
    component = next;
    const before = task;
    task = JSON.parse(next.data.task);
    if (!before) measureSoon(FIRST_SIZE_AFTER);
    if (before && before.session !== task.session) {
      // Another instance, which knows nothing of this canvas: tell it, and go on.
      expected = 0;
      // With all that is said until it has been heard: of two things said at once, the page may
      // hear only the second.
      owed = { memo: before.memo, heardAt: said.seq + 1 };
      say({});
    }
    if (owed && task.heard < owed.heardAt) {
      task = { ...task, image: before.image, canvas: before.canvas, memo: before.memo };
      return;
    }
    owed = null;
    if (before?.run === task.run) return;
    for (const url of task.prefetch) {
      if (!fetched.has(url)) fetched.set(url, Object.assign(new Image(), { src: url }));
      if (fetched.size > 8) fetched.delete(fetched.keys().next().value);
    }
    if (task.heard < expected) return; // a run from before the canvas was held
    if (choosing && task.canvas && !hasLabel()) {
      setTimeout(() => choosing && say({}), ASK_AGAIN_AFTER);
      return;
    }
    choosing = false;
    if (task.canvas) untilReady();
    if (task.renew && !leaving) renew(task.run);
  }

  async function renew(run) {
    do {
      await quiet();
      await pause(100);
    } while (quietIn() > 0);
    if (task.run !== run || leaving) return; // the page asks again if it still wants to
    stayInEdit = editing(parts()) ? image() : "";
    holdUntilAnswered();
    say({ renew: said.renew + 1 });
  }

  // Without an element there is no image on the page, and nothing to guard.
  const on = (type, handler) =>
    document.addEventListener(type, (event) => attached && handler(event), options);
  on("pointerdown", onPointerDown);
  on("pointermove", onPointerMove);
  on("pointerup", onPointerUp);
  on("pointercancel", onPointerCancel);
  for (const type of ["mousedown", "mousemove", "mouseup", "mouseout", "mouseleave"])
    on(type, onNative);
  for (const type of ["touchstart", "touchmove", "touchend"])
    on(type, onNative);
  on("click", onCanvasClick);
  on("click", onClick);
  on("keydown", onKey);
  for (const type of ["click", "keydown"]) on(type, onLabel);
  window.addEventListener("resize", () => measureSoon(RESIZE_AFTER), options);
  const watch = new ResizeObserver(() => measureSoon(RESIZE_AFTER));

  // For other components: whose news take the canvas away, or who want it to have sent everything.
  tab.labelerCanvas = {
    image,
    leave: (act) => (attached && task?.canvas ? leave(act) : act()),
    quiet: () => {
      closeLabelEditor(parts());
      return quiet();
    },
  };

  let ending = 0;

  // A page that lost its connection in the middle of a run loses parts of itself, until the next
  // run brings them back: what was drawn is known here alone then.
  function endSoon() {
    const wait = tab.labelerPresence?.connected() === false;
    ending = setTimeout(wait ? endSoon : end, MOUNTED_AGAIN_WITHIN);
  }

  function end() {
    delete tab.labelerCanvas;
    delete tab.labelerGuard;
    listeners.abort();
    watch.disconnect();
    rule.remove();
    outline.remove();
    generation += 1;
  }

  return {
    // What the guard knows outlives its element: Streamlit may take that away and mount another.
    attach(node, next) {
      clearTimeout(ending);
      const mounted = element;
      if (mounted !== node) {
        node.dataset.state = mounted?.dataset.state ?? "";
        watch.disconnect();
        watch.observe(node);
        element = node;
      }
      attached = true;
      update(next);
      if (mounted && mounted !== node) say({}); // what another one has said is forgotten
    },
    detach(node) {
      if (node !== element) return;
      attached = false;
      ending = setTimeout(endSoon, MOUNTED_AGAIN_WITHIN);
    },
  };
}

export default function (component) {
  const element = component.parentElement.querySelector(".guard");
  const guard = (tab.labelerGuard ??= createGuard());
  guard.attach(element, component);
  return () => guard.detach(element);
}
