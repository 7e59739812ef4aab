const x = "{{branding.tagline}}", y = "{{landing.lines}}";
