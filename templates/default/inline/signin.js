if (/(?:^|;\s*)tenantry_signed_in=1(?:;|$)/.test(document.cookie)) {
  location.replace("{{routes.authLanding}}");
}
