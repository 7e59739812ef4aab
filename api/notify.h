/* What systemd is told (sd_notify(3)); nobody is where $NOTIFY_SOCKET does not stand.
 */
#ifndef API_NOTIFY_H
#define API_NOTIFY_H

void notify_ready(void);
void notify_reloading(void); /* until the next notify_ready */
void notify_stopping(void);
#endif
