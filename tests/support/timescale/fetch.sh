#!/bin/sh
# Unpack a real TimescaleDB (Debian trixie: PostgreSQL 17, TimescaleDB's Apache edition) into a folder, for tests.
#   fetch.sh FOLDER      last line of stdout: the folder of PostgreSQL's programs
# Nothing is installed and no root is needed: the packages come from the mirror that this machine uses for its own,
# apt checks their signatures, and the programs are pointed at the libraries unpacked beside them, so that the host's
# own C library does not matter. Unpacks once; safe to interrupt and to run twice at a time.
set -eu
suite=trixie version=17
programs="postgres initdb pg_dump pg_restore psql"
# Large, and never used: JIT, Perl, and what only installation scripts need.
unwanted='^(libllvm|libz3|perl|libperl|lib.*-perl$|locales|tzdata|libc-l10n|debconf|ucf|ssl-cert|openssl|sensible-utils|adduser|procps|postgresql-(client-)?common)'

prefix=$(realpath -m "$1")
bin="$prefix/usr/lib/postgresql/$version/bin"
umask 022
mkdir -p "$(dirname "$prefix")"
exec 9>"$prefix.lock"
flock 9
# The place is part of it: a moved folder is unpacked again.
if [ "$(cat "$prefix/.ready" 2>/dev/null)" = "$prefix" ]; then
    echo "$bin"
    exit 0
fi

mirror=${TIMESCALE_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' | grep '/debian/*$' | head -n 1)}
[ -n "$mirror" ] || { echo "timescale: apt knows no Debian mirror; set TIMESCALE_MIRROR" >&2; exit 1; }
work="$prefix.new"
rm -rf "$work"
mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/debs" "$work/root" "$work/sources"
: >"$work/status"
cat >"$work/sources/debian.sources" <<SOURCES
Types: deb
URIs: $mirror
Suites: $suite
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
cat >"$work/apt.conf" <<SETTINGS
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "$work/sources";
Dir::State::Lists "$work/lists";
Dir::State::Status "$work/status";
Dir::Cache "$work";
APT::Sandbox::User "";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "3";
SETTINGS
export APT_CONFIG="$work/apt.conf"
apt-get update -qq >&2
packages=$(apt-get install --simulate "postgresql-$version-timescaledb" patchelf |
    awk '/^Inst /{print $2}' | sort -u | grep -Ev "$unwanted")
(cd "$work/debs" && apt-get download -qq $packages >&2)
for package in "$work"/debs/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x -C "$work/root" --no-same-owner --wildcards \
        --exclude='./usr/share/doc*' --exclude='./usr/share/man*' --exclude='./usr/share/locale*' --exclude='./etc/*' \
        --exclude='*/llvmjit*' --exclude='*/gconv/*'
done
rm -rf "$prefix"
mv "$work/root" "$prefix" # first: the addresses written into the programs are absolute

libraries=$(dirname "$(ls "$prefix"/usr/lib/*/libc.so.6)")
loader=$(ls "$libraries"/ld-linux-*.so.* | head -n 1)
for program in $programs; do
    "$loader" --library-path "$libraries" "$prefix/usr/bin/patchelf" \
        --set-interpreter "$loader" --force-rpath --set-rpath "$libraries" "$bin/$program"
done
chmod -R a+rX "$prefix"
rm -rf "$work"
echo "$prefix" >"$prefix/.ready"
echo "$bin"
