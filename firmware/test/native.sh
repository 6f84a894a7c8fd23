#!/bin/sh
# The C tests natively, with address and undefined-behaviour sanitizers; then the fuzz targets for a while.
#   CC            compiler; default: clang, else gcc
#   FUZZ_SECONDS  for each target, default 10; 0 for none
# Results lie in $OUT, default: a directory in /tmp that is removed at the end.
set -eu
cd "$(dirname "$0")/.."

if [ -z "${CC:-}" ]; then
  for CC in clang gcc ''; do command -v "${CC:-none}" >/dev/null 2>&1 && break; done
fi
[ -n "$CC" ] || { echo "native.sh: there is no clang and no gcc here" >&2; exit 1; }
if [ -z "${OUT:-}" ]; then
  OUT=$(mktemp -d)
  trap 'rm -rf "$OUT"' EXIT
fi
mkdir -p "$OUT"
FUZZ_SECONDS=${FUZZ_SECONDS:-10}
export FUZZ_SECONDS

FLAGS='-std=c11 -g -O1 -Wall -Wextra -Werror -fno-omit-frame-pointer -I.'
SANITIZE='-fno-sanitize-recover=all -fsanitize=address,undefined'
HARNESS='test/check.c test/fake_port.c test/hmac_sha1.c test/guard_world.c'
# The data channel needs usrsctp.
PEER=$(ls peer/*.c | grep -v '^peer/channel')
TESTS=$(ls test/*.c | grep -v -e '^test/fuzz_' -e '^test/native_')

# shellcheck disable=SC2086
$CC $FLAGS $SANITIZE core/*.c generated/*.c $PEER esp32s3/portable/*.c $TESTS test/native_main.c -o "$OUT/tests"
"$OUT/tests"

# The data channel, where its library is: Debian's libusrsctp-dev.
CHANNEL='-D_DEFAULT_SOURCE peer/channel.c peer/channel_association.c test/check.c'
echo '#include <usrsctp.h>
int main(void) { usrsctp_handle_timers(0); return 0; }' >"$OUT/try.c"
if $CC "$OUT/try.c" -lusrsctp -o "$OUT/try" 2>/dev/null; then
  USRSCTP=-lusrsctp
  # shellcheck disable=SC2086
  $CC $FLAGS $SANITIZE $CHANNEL test/native_channel_test.c test/native_channel_world.c test/native_main.c $USRSCTP -o "$OUT/channel_tests"
  "$OUT/channel_tests"
else
  USRSCTP=''
  echo 'skipped: native_channel_test and fuzz_channel: there is no usrsctp (Debian: libusrsctp-dev)'
fi

[ "$FUZZ_SECONDS" -gt 0 ] || exit 0
echo 'int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { return d && n ? 0 : 0; }' >"$OUT/try.c"
if $CC -fsanitize=fuzzer "$OUT/try.c" -o "$OUT/try" 2>/dev/null; then
  ENGINE='' FUZZER=,fuzzer
else
  echo "$CC has no libFuzzer: the fuzz targets run in the built-in loop, which follows no coverage"
  ENGINE=test/native_fuzz.c FUZZER=
fi

failed=0
for target in test/fuzz_*.c; do
  name=$(basename "$target" .c)
  sources="core/*.c generated/*.c $PEER esp32s3/portable/*.c $HARNESS"
  libraries=''
  if [ "$name" = fuzz_channel ]; then
    [ -n "$USRSCTP" ] || continue
    sources=$CHANNEL libraries=$USRSCTP
  fi
  # shellcheck disable=SC2086
  $CC $FLAGS $SANITIZE$FUZZER $sources $ENGINE "$target" $libraries -o "$OUT/$name"
  if [ -n "$FUZZER" ]; then
    set -- -max_total_time="$FUZZ_SECONDS" -timeout=10 -max_len=4096 -print_final_stats=1 -artifact_prefix="$OUT/"
  else
    set --
  fi
  if "$OUT/$name" "$@" >"$OUT/$name.log" 2>&1; then
    echo "$name: $(grep -e '^stat::number_of_executed_units' -e 'inputs$' "$OUT/$name.log" | tr -dc '0-9') inputs, no fault"
  else
    echo "$name: FAILED"
    tail -n 40 "$OUT/$name.log"
    failed=1
  fi
done
exit $failed
