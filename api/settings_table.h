/* The rows behind the settings: the command line, the environment, --help and the
 * completions come from them. */
#ifndef API_SETTINGS_TABLE_H
#define API_SETTINGS_TABLE_H
#include "api/settings.h"

enum setting_kind {
    SETTING_TEXT,   /* const char * */
    SETTING_NUMBER, /* unsigned, from min to max */
    SETTING_SWITCH, /* bool: on or off */
    SETTING_FLAG,   /* bool, by the option alone; not in the environment */
    SETTING_LIST    /* `add` is called with each; separated by blanks or commas */
};
struct setting {
    const char *name;     /* of the option, without the -- */
    const char *variable; /* of the environment; NULL: none */
    enum setting_kind kind;
    size_t offset;      /* in struct settings; not of lists */
    const char *value;  /* what it takes, for --help; NULL: nothing */
    const char *usual;  /* when nobody says anything; NULL: nothing */
    bool beneath;       /* the usual holds, too, where no other is given */
    unsigned min, max;  /* of numbers */
    const char *wanted; /* "a network such as 10.0.0.0/8": what would be right */
    bool (*add)(struct settings *s, struct str value); /* false: not as wanted */
    const char *help;                                  /* a line or more */
};
extern const struct setting settings_table[]; /* ended by a NULL name */
#endif
