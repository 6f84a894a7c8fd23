import { test } from 'vitest';
import { converse } from './support/foreign-test.ts';
import { weriftStack } from './support/stack-werift.ts';

test('the virtual board converses with a server on werift', () => converse(weriftStack));
