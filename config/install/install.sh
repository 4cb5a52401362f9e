#!/bin/sh
# Installs flowbind from a release: downloads the archive for this machine, checks it, and unpacks the program.
#
#   install.sh [--to FOLDER]     the default folder is ~/.local/bin
#
# FLOWBIND_RELEASE   web address of the release's files, which holds SHA256SUMS and the archives
# FLOWBIND_SHA256    optional: the checksum that the archive must have, whatever SHA256SUMS says
# FLOWBIND_TARGET    optional: another target than this machine's, such as x86_64-unknown-linux-gnu
set -eu

# A release writes its own address here.
default_release=

fail() {
  printf 'install.sh: %s\n' "$*" >&2
  exit 1
}

# Saves the file at a web address.
download() {
  if command -v curl >/dev/null; then
    curl -fsSL --retry 3 --output "$2" "$1" || fail "cannot download $1"
  elif command -v wget >/dev/null; then
    wget -q -O "$2" "$1" || fail "cannot download $1"
  else
    fail 'neither curl nor wget was found'
  fi
}

checksum() {
  if command -v sha256sum >/dev/null; then sha256sum <"$1"; else shasum -a 256 <"$1"; fi | cut -d ' ' -f 1
}

# Prints the target of this machine. The program for musl runs on every Linux.
target() {
  case "$(uname -m)" in
    x86_64 | amd64) machine=x86_64 ;;
    aarch64 | arm64) machine=aarch64 ;;
    *) fail "there is no archive for $(uname -m): build flowbind from source" ;;
  esac
  case "$(uname -s)" in
    Linux) echo "$machine-unknown-linux-musl" ;;
    Darwin) echo "$machine-apple-darwin" ;;
    MINGW* | MSYS* | CYGWIN*) echo x86_64-pc-windows-msvc ;;
    *) fail "there is no archive for $(uname -s): build flowbind from source" ;;
  esac
}

to="$HOME/.local/bin"
case "${1:-}" in
  '') ;;
  --to) to=${2:?--to needs a folder} ;;
  *) fail 'usage: install.sh [--to FOLDER]' ;;
esac

release=${FLOWBIND_RELEASE:-$default_release}
[ -n "$release" ] || fail 'set FLOWBIND_RELEASE to the web address of the release files'
target=${FLOWBIND_TARGET:-$(target)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

download "$release/SHA256SUMS" "$work/SHA256SUMS"
line=$(tr -d '\r*' <"$work/SHA256SUMS" | grep -E "^[0-9a-f]{64} +flowbind-[0-9A-Za-z.+-]+-$target\.tar\.gz$" || true)
[ "$(printf '%s\n' "$line" | grep -c .)" = 1 ] || fail "$release/SHA256SUMS does not name one archive for $target"
archive=${line##* }
download "$release/$archive" "$work/$archive"

expected=${FLOWBIND_SHA256:-${line%% *}}
found=$(checksum "$work/$archive")
[ "$found" = "$expected" ] || fail "nothing was installed: $archive has the checksum $found, expected $expected"

tar -xzf "$work/$archive" -C "$work"
folder="$work/${archive%.tar.gz}"
program=flowbind
[ -e "$folder/$program" ] || program=flowbind.exe
[ -e "$folder/$program" ] || fail "nothing was installed: $archive has no flowbind"
mkdir -p "$to"
cp "$folder/$program" "$to/$program.new"
chmod 755 "$to/$program.new"
mv -f "$to/$program.new" "$to/$program"
printf 'Installed %s to %s\n' "$("$to/$program" -V)" "$to/$program"
