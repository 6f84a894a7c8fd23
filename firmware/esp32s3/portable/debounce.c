#include "debounce.h"

bool debounce_step(debounce *button, bool reading, uint32_t steps) {
    if (reading == button->down) {
        button->streak = 0;
        return false;
    }
    if (++button->streak < steps) {
        return false;
    }
    button->down = reading;
    button->streak = 0;
    return true;
}

bool ladder_pressed(int mv, int min_mv, int max_mv, bool was) {
    int slack = was ? LADDER_SLACK_MV : 0;
    return mv >= min_mv - slack && mv <= max_mv + slack;
}
