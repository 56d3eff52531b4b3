// @ts-check
// A ticket id or the link of a ticket that is pasted into the search opens the ticket.
(() => {
  document.addEventListener("paste", (event) => {
    const field = event.target;
    if (!(field instanceof HTMLInputElement && "paste" in field.dataset)) return;
    const text = event.clipboardData?.getData("text").trim() ?? "";
    const id = /^(?:https?:\/\/\S+\/tickets\/)?(tk_[0-9a-f]{6,64})(?:[/?#]\S*)?$/.exec(text)?.[1];
    if (!id) return;
    event.preventDefault();
    location.assign(`/tickets/${id}`);
  });
})();
