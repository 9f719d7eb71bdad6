// Code in an answer of the assistant's can be copied. It is here and not in the WASM because it is smaller, and works before
// that has arrived.
document.addEventListener("click", async ({ target }) => {
  const button = target.closest(".chat [data-copy]");
  if (!button || button.dataset.words) return;
  const words = (button.dataset.words = button.textContent);
  try {
    await navigator.clipboard.writeText(button.closest(".code").querySelector(".code__text").textContent);
    button.textContent = "Copied";
  } catch {
    // Pages over plain HTTP get no clipboard.
    button.textContent = "Not allowed here";
  }
  setTimeout(() => {
    button.textContent = words;
    delete button.dataset.words;
  }, 2000);
});
