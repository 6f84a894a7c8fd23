/* Talk button, mute switch and light: the controls task looks at them every 10 ms. */
#ifndef CONTROLS_H
#define CONTROLS_H

/** Sets up the pins that the board has, and starts the controls task where there is something for
 * it to do. */
void controls_init(void);

#endif
