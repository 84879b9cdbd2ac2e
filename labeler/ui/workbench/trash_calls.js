// The calls that move images into the trash and back. Each resolves to why it failed, as text for a
// person, or to "".

import { failure } from "./answers.js";

/** @param {Pick<import("./backend.js").Backend, "call">} backend */
export function createTrashCalls({ call }) {
  /** @param {string} image */
  const path = (image) => `/api/images/${encodeURIComponent(image)}`;

  return {
    /** Moves the image into the trash, in the version that `etag` names; null: none is stored. @param {string} image @param {string | null} etag */
    async remove(image, etag) {
      const headers = { "If-Match": etag ?? "*" };
      const answer = await call(path(image), { method: "DELETE", headers });
      if ("type" in answer) return answer.message;
      const { response, body } = answer;
      if (response.ok || response.status === 404 || response.status === 410) return "";
      if (response.status === 412) {
        return "It was changed meanwhile. Look at it before you delete it.";
      }
      return (await failure(response, body)).message;
    },
    /** Brings the image back from the trash. @param {string} image */
    async restore(image) {
      const answer = await call(`${path(image)}/restore`, { method: "POST" });
      if ("type" in answer) return answer.message;
      return answer.response.ok ? "" : (await failure(answer.response, answer.body)).message;
    },
  };
}
