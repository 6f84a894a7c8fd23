/**
 * An Espruino board on a second serial port does what the model asks for:
 * `ESPRUINO_PORT=/dev/ttyACM1 tincan tail --start --tools host-cli/data/tools/espruino.ts`.
 * Only what is listed here can be called, and only with such arguments.
 */
import { espruino } from '@tincan/host-cli';

export default espruino({
  port: process.env.ESPRUINO_PORT ?? '/dev/ttyACM1',
  functions: {
    set_lamp: {
      description: 'Switches the lamp on the shelf on or off.',
      call: 'LED1.write',
      parameters: { on: { type: 'boolean' } },
    },
    read_temperature: { description: 'Measures the temperature, in °C.', call: 'E.getTemperature' },
  },
});
