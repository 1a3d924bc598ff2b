# shellcheck shell=bash
# Debian's own kernels, unpacked into the cache and not installed. Sourced by
# scripts/vm after vm-common.sh.

# What the first stage has to load before it can see the host's root.
readonly STOCK_FIRST=(virtio_pci virtio_console virtio_rng 9pnet_virtio 9p overlay)

# stock_package VERSION: the newest plain amd64 image of that series that apt knows.
stock_package() {
	case $1 in
	6.1) newest_image 'linux-image-6\.1\.0-[0-9]+-amd64' ;;
	6.12) newest_image 'linux-image-6\.12\.[0-9]+\+deb[0-9]+-amd64' ;;
	esac
}

# stock_kernel CACHE VERSION: prints the entry's directory, made if need be.
stock_kernel() {
	local cache=$1 package version entry
	package=$(stock_package "$2")
	[[ -n $package ]] || die 2 "stock-$2: apt knows no such kernel: sudo apt-get update"
	version=$(candidate "$package")
	entry=$cache/stock-$2-$(echo "$package $version" | cat - "${BASH_SOURCE[0]}" | hash_of)
	if [[ ! -d $entry ]]; then
		need depmod modprobe xz
		open_cache "$cache"
		(
			lock_entry "$cache" "stock-$2"
			[[ -d $entry ]] || make_stock "$cache" "stock-$2" "$package" "$version" "$entry"
		)
	fi
	printf '%s\n' "$entry"
}

# make_stock CACHE NAME PACKAGE VERSION ENTRY, under the lock.
make_stock() {
	local release out
	need_room "$1" 800 "$3"
	say "$3: downloading"
	fresh_work "$1" "$2" # sets work
	# shellcheck disable=SC2154 # set by fresh_work
	fetch_package "$3" "$4" "$work" || die 2 "$3: cannot be downloaded"
	release=${3#linux-image-}
	out=$work/out
	mkdir -p -- "$out/lib" "$out/initrd"
	mv -- "$work/boot/vmlinuz-$release" "$out/vmlinuz"
	mv -- "$work/boot/config-$release" "$out/config"
	mv -- "$work/lib/modules" "$out/lib/modules"
	drop_hardware "$out/lib/modules/$release/kernel"
	"$(find_program depmod)" -b "$out" "$release"
	list_first "$out" "$release"
	mv -T -- "$out" "$5"
}

# Modules for hardware that QEMU is not asked for: most of the size.
drop_hardware() {
	rm -rf -- "$1"/sound
	(cd -- "$1/drivers" && rm -rf -- gpu media net infiniband iio usb staging hwmon \
		scsi mtd input video bluetooth platform i2c ata isdn)
}

# list_first OUT RELEASE: the files of the first stage and the order to load them,
# uncompressed, since busybox cannot.
list_first() {
	local module path name
	for module in "${STOCK_FIRST[@]}"; do
		"$(find_program modprobe)" -d "$1" -S "$2" --show-depends "$module"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
		while read -r path; do
			name=$(basename -- "${path%.xz}")
			case $path in
			*.xz) xz -dc -- "$path" >"$1/initrd/$name" ;;
			*) cp -- "$path" "$1/initrd/$name" ;;
			esac
			printf '%s\n' "$name"
		done >"$1/load"
}
