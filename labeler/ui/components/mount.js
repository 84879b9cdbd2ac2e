// A component's root on the page, and its parts.

/**
 * @template Data
 * @typedef {import("./page.js").Component<Data>} Component
 */

/**
 * The first element with the class `name`, which must be of `kind`.
 * @template {Element} Kind
 * @param {ParentNode} root
 * @param {string} name
 * @param {new () => Kind} kind
 * @returns {Kind}
 */
export function part(root, name, kind) {
  const found = root.querySelector(`.${name}`);
  if (found instanceof kind) return found;
  throw new Error(`The component has no ${kind.name} of the class ${name}.`);
}

/**
 * A component that is created once per place on the page and updated in each run.
 * @template Data
 * @param {string} className of its root element
 * @param {(root: HTMLElement) => { update: (next: Component<Data>) => void, end: () => void }} create
 * @returns {(component: Component<Data>) => () => void}
 */
export function mountOnce(className, create) {
  /** @type {WeakMap<object, ReturnType<typeof create>>} */
  const mounted = new WeakMap();
  return (component) => {
    const place = component.parentElement;
    const one = mounted.get(place) ?? create(part(place, className, HTMLElement));
    mounted.set(place, one);
    one.update(component);
    return () => {
      mounted.get(place)?.end();
      mounted.delete(place);
    };
  };
}
