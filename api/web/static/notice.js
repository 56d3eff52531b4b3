// @ts-check
// The page of a ticket says once what a form did: neither a reload nor a copied link repeats it.
(() => {
  const here = new URL(location.href);
  if (!document.getElementById("ticket") || !here.searchParams.has("done")) return;
  here.searchParams.delete("done");
  history.replaceState(history.state, "", here);
})();
