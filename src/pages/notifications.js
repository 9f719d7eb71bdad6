// The list follows the bell above it: with every event, whatever it was, the list is
// fetched as the server renders it.
const bell = document.querySelector(".bell");
let running = false;
let again = false;
const refresh = async () => {
  again = running;
  if (running) return;
  running = true;
  try {
    const response = await fetch(location.href, { headers: { accept: "text/html" } });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const [old, fresh] = [document, page].map((where) => where.querySelector("#notifications"));
    if (response.ok && fresh) old.replaceChildren(...fresh.childNodes);
  } catch {
    // Offline: the bell says when there is news.
  }
  running = false;
  if (again) refresh();
};
if (bell) new MutationObserver(refresh).observe(bell, { attributes: true, attributeFilter: ["data-at"] });
