// Comfort only: every page works without this file. Texts come from the page, in the reader's language.
(() => {
  "use strict";
  const all = (selector, act) => document.querySelectorAll(`.portal ${selector}`).forEach(act);

  // What has to be put right, or has just happened, is read first (U22).
  document.querySelector(".portal .portal-alert[autofocus]")?.focus();

  // Who goes from an error to its field sees the label too, however large the text (H12).
  all('.portal-alert a[href^="#"]', (link) => {
    const field = document.querySelector(link.hash);
    link.addEventListener("click", (event) => {
      event.preventDefault();
      field.focus({ preventScroll: true });
      field.closest("fieldset, .portal-field").scrollIntoView();
    });
  });

  // « Afficher » (U17): the state is announced, and the password is hidden again when the form leaves.
  all(".portal-reveal", (button) => {
    const field = document.getElementById(button.getAttribute("aria-controls"));
    const status = button.nextElementSibling;
    const show = (shown) => {
      field.type = shown ? "text" : "password";
      button.textContent = shown ? button.dataset.hide : button.dataset.show;
      button.setAttribute("aria-label", shown ? button.dataset.hideName : button.dataset.showName);
    };
    show(false);
    button.hidden = false;
    button.addEventListener("click", () => {
      show(field.type === "password");
      status.textContent = field.type === "text" ? button.dataset.shown : button.dataset.hidden;
    });
    field.form.addEventListener("submit", () => show(false));
    addEventListener("pagehide", () => show(false));
  });

  // ⓘ tells whether its bubble is open (U20): browsers do so by themselves, older ones only in part.
  all(".portal-bubble", (bubble) => {
    const button = document.querySelector(`[popovertarget="${bubble.id}"]`);
    bubble.addEventListener("toggle", (event) => button.setAttribute("aria-expanded", event.newState === "open"));
  });

  // A double click sends once (U30). Nothing tells that the browser's Stop was pressed, so only a moment counts.
  all("form[method=post]", (form) => {
    let sent = -Infinity;
    form.addEventListener("submit", (event) => {
      if (event.timeStamp - sent < 1000) event.preventDefault();
      else sent = event.timeStamp;
    });
    addEventListener("pageshow", () => (sent = -Infinity));
  });

  // The drawn notice shows the tenant's own digits in their places (B02).
  all("[data-mirror]", (place) => {
    const field = document.querySelector(`.portal form [name="${place.dataset.mirror}"]`);
    const sample = place.textContent;
    if (!field) return;
    const write = () => {
      const digits = field.value.replace(/[\s/\\.|-]/g, "").replace(/^L/i, "");
      place.textContent = /^[0-9]{1,14}$/.test(digits) ? digits : sample;
    };
    field.addEventListener("input", write);
    write();
  });

  // « Où trouver… » stands open where there is room beside the form.
  if (matchMedia("(min-width: 60em)").matches) all("details[data-open-wide]", (details) => (details.open = true));

  // « Copier » next to an address.
  all("[data-copy]", (button) => {
    if (!navigator.clipboard) return;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.nextElementSibling.textContent = button.dataset.done;
    });
  });

  // « Voulez-vous dire … ? » (T06): distance 1, or 2 with the same letters; a button that puts it right, never a block.
  const distance = (left, right) => {
    let row = [...Array(right.length + 1).keys()];
    for (let i = 1; i <= left.length; i++) {
      const above = row;
      row = [i];
      for (let j = 1; j <= right.length; j++) {
        row[j] = Math.min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (left[i - 1] !== right[j - 1]));
      }
    }
    return row[right.length];
  };
  const letters = (text) => [...text].sort().join("");
  const meant = (address, { domains, real, comOnly }) => {
    const at = address.lastIndexOf("@");
    const domain = address.slice(at + 1).toLowerCase();
    const name = domain.split(".")[0];
    if (at < 1 || domains.includes(domain) || real.includes(domain)) return "";
    const near = (known) => {
      const [far, whole] = [distance(domain, known), known.split(".")[0]];
      return far === 2 ? letters(domain) === letters(known) : far === 1 && (whole.length > 3 || domain.startsWith(`${whole}.`));
    };
    const known = comOnly.includes(name) && domain.includes(".") ? `${name}.com` : domains.find(near);
    return known ? address.slice(0, at + 1) + known : "";
  };
  all("[data-suggestion-for]", (line) => {
    const field = document.getElementById(line.dataset.suggestionFor);
    const list = (name) => (field.dataset[name] || "").split(" ");
    const known = { domains: list("domains"), real: list("real"), comOnly: list("comOnly") };
    const button = document.createElement("button");
    button.type = "button";
    button.translate = false;
    let address = line.querySelector("b").textContent;
    button.textContent = address;
    line.querySelector("b").replaceWith(button);
    button.addEventListener("click", () => {
      field.value = address;
      line.hidden = true;
      field.focus();
    });
    // While typing pauses, not on leaving the field: a line that came then would move what is being clicked (U28).
    let pause;
    field.addEventListener("input", () => {
      clearTimeout(pause);
      pause = setTimeout(() => {
        button.textContent = address = meant(field.value.trim(), known);
        line.hidden = !address;
      }, 600);
    });
  });
})();
