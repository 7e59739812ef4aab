#include "model/tenant.h"

#include <math.h>
#include <stdio.h>

/* Reads "45", "45.5"; false when there is no number at the start of *s. */
static bool cut_number(struct str *s, double *out) {
    double value = 0, unit = 1;
    size_t i = 0, digits = 0;
    bool fraction = false;
    for (; i < s->len; i++) {
        char c = s->ptr[i];
        if (c == '.' && !fraction && digits) {
            fraction = true;
            continue;
        }
        if (c < '0' || c > '9') break;
        if (fraction) unit /= 10;
        value = fraction ? value + (c - '0') * unit : value * 10 + (c - '0');
        digits++;
    }
    if (!digits || i > 16 || s->ptr[i - 1] == '.') return false;
    *s = str_slice(*s, i, s->len);
    *out = value;
    return true;
}

static bool cut_text(struct str *s, const char *text) {
    if (!str_starts(*s, text)) return false;
    *s = str_slice(*s, str_from(text).len, s->len);
    return true;
}

static bool cut_blanks(struct str *s) {
    size_t n = 0;
    while (n < s->len && s->ptr[n] == ' ') n++;
    *s = str_slice(*s, n, s->len);
    return n > 0;
}

bool hsl_parse(struct str s, struct hsl *out) {
    struct hsl c;
    if (!cut_number(&s, &c.h)) return false;
    cut_text(&s, "deg");
    if (!cut_blanks(&s) || !cut_number(&s, &c.s) || !cut_text(&s, "%")) return false;
    if (!cut_blanks(&s) || !cut_number(&s, &c.l) || !cut_text(&s, "%")) return false;
    if (s.len || c.h > 360 || c.s > 100 || c.l > 100) return false;
    *out = c;
    return true;
}

/* CSS Color 4's formula, one channel (n is 0, 8 or 4), rounded as a screen does. */
static unsigned channel(struct hsl c, double n) {
    double l = c.l / 100, a = c.s / 100 * fmin(l, 1 - l);
    double k = fmod(n + c.h / 30, 12);
    double v = l - a * fmax(-1, fmin(fmin(k - 3, 9 - k), 1));
    return (unsigned)lround(fmax(0, fmin(1, v)) * 255);
}

void hsl_hex(struct hsl c, char out[8]) {
    snprintf(out, 8, "#%02x%02x%02x", channel(c, 0) & 0xff, channel(c, 8) & 0xff,
        channel(c, 4) & 0xff);
}

static double linear(unsigned byte) {
    double v = byte / 255.0;
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static double luminance(struct hsl c) {
    return 0.2126 * linear(channel(c, 0)) + 0.7152 * linear(channel(c, 8)) +
           0.0722 * linear(channel(c, 4));
}

double hsl_contrast(struct hsl a, struct hsl b) {
    double x = luminance(a), y = luminance(b);
    return (fmax(x, y) + 0.05) / (fmin(x, y) + 0.05);
}

/* Whole percent: the lightest that is no brighter than `bound`, or the darkest that is
 * no darker; -1 when none.  Luminance never falls as lightness rises, so halving works.
 */
static int lightness_at(struct hsl c, double bound, bool dark) {
    int low = -1, high = 101;
    while (high - low > 1) {
        int mid = low + (high - low) / 2;
        double y = luminance((struct hsl){c.h, c.s, mid});
        if (dark ? y <= bound : y < bound)
            low = mid;
        else
            high = mid;
    }
    return dark ? low : high > 100 ? -1 : high;
}

bool hsl_passing(struct hsl c, struct hsl other, double ratio, struct hsl *out) {
    *out = c;
    if (hsl_contrast(c, other) >= ratio) return true;
    double y = luminance(other) + 0.05;
    int dark = lightness_at(c, y / ratio - 0.05, true);
    int light = lightness_at(c, y * ratio - 0.05, false);
    if (dark < 0 && light < 0) return false;
    bool darker = light < 0 || (dark >= 0 && c.l - dark <= light - c.l);
    out->l = darker ? dark : light;
    return true;
}
