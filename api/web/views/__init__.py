"""The screens, one package for each: routes, the view model, and the template."""
