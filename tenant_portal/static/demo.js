// The demo's mail page shows a new mail as soon as it arrives; without JavaScript there is « Actualiser ».
const letters = document.querySelector("[data-watch]");
setInterval(async () => {
  try {
    const answer = await fetch(letters.dataset.watch);
    if (answer.ok && (await answer.text()) !== letters.dataset.count) location.reload();
  } catch {
    // the demo was stopped: the page stays as it is
  }
}, 1500);
