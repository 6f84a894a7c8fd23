#!/bin/sh
# What the portable part of the firmware costs on the ESP32-S3: compiles it for Xtensa, as the image does, and adds up.
#   TINCAN_XTENSA_GCC  compiler; default: xtensa-esp32s3-elf-gcc, else xtensa-esp-elf-gcc
# Exit status 77 where there is none.
set -eu
cd "$(dirname "$0")/.."

CC=${TINCAN_XTENSA_GCC:-}
for name in xtensa-esp32s3-elf-gcc xtensa-esp-elf-gcc; do
  [ -n "$CC" ] || CC=$(command -v "$name" || true)
done
if [ -z "$CC" ]; then
  echo "no compiler for Xtensa here (xtensa-esp32s3-elf-gcc in PATH, or TINCAN_XTENSA_GCC): no sizes" >&2
  exit 77
fi
# One compiler for all chips needs to be told which.
case $(basename "$CC") in xtensa-esp-elf-*) CHIP=-mdynconfig=xtensa_esp32s3.so ;; *) CHIP= ;; esac
SIZE=$(echo "$CC" | sed 's/gcc$/size/')
OUT=$(mktemp -d)
trap 'rm -rf "$OUT"' EXIT

FLAGS='-std=gnu11 -Os -mlongcalls -ffunction-sections -fdata-sections -Wall -Wextra -Werror -I.'
printf '%-22s %9s %9s %9s %9s\n' part code constants data zeroed
total='0 0 0 0'
for part in core generated peer esp32s3/portable; do
  mkdir -p "$OUT/$part"
  for source in "$part"/*.c; do
    # The data channel needs usrsctp's headers.
    case $source in peer/channel*) continue ;; esac
    # shellcheck disable=SC2086
    "$CC" $CHIP $FLAGS -c "$source" -o "$OUT/$part/$(basename "$source" .c).o"
  done
  # The sections of the System V format: code and its literals, constants, variables.
  sums=$("$SIZE" -A "$OUT/$part"/*.o | awk '
    /^\.(text|literal)/ { code += $2 } /^\.rodata/ { constants += $2 }
    /^\.data/ { data += $2 } /^\.bss/ { zeroed += $2 }
    END { print code + 0, constants + 0, data + 0, zeroed + 0 }')
  # shellcheck disable=SC2086
  printf '%-22s %9d %9d %9d %9d\n' "$part" $sums
  total=$(echo "$total $sums" | awk '{ print $1 + $5, $2 + $6, $3 + $7, $4 + $8 }')
done
# shellcheck disable=SC2086
printf '%-22s %9d %9d %9d %9d\n' all $total
