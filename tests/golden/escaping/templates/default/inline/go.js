location = "{{routes.authLanding}}"; // {{branding.tagline}}
