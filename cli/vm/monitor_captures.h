#ifndef PAGEMAPD_CLI_VM_MONITOR_CAPTURES_H_
#define PAGEMAPD_CLI_VM_MONITOR_CAPTURES_H_

namespace pagemapd {

// What QEMU 7.2.22 printed of -M pc -m 256,slots=4,maxmem=4G, with the backends a (memfd) and b as
// NUMA nodes 0 and 1, a DIMM of mem1, and a virtio-mem device of vm0. Of the emulated ranges a few
// were kept.

// info ramblock
inline constexpr char kRamBlockText[] =
    "              Block Name    PSize              Offset               Used              "
    "Total\r\n"
    "        0000:00:02.0/vm0    4 KiB  0x0000000018000000 0x0000000040000000 "
    "0x0000000040000000\r\n"
    "                    mem1    4 KiB  0x0000000000000000 0x0000000008000000 "
    "0x0000000008000000\r\n"
    "                       a    4 KiB  0x0000000008000000 0x0000000008000000 "
    "0x0000000008000000\r\n"
    "                       b    4 KiB  0x0000000010000000 0x0000000008000000 "
    "0x0000000008000000\r\n"
    "    /rom@etc/acpi/tables    4 KiB  0x0000000058080000 0x0000000000020000 "
    "0x0000000000200000\r\n"
    "                 pc.bios    4 KiB  0x0000000058000000 0x0000000000040000 "
    "0x0000000000040000\r\n"
    "                  pc.rom    4 KiB  0x0000000058040000 0x0000000000020000 "
    "0x0000000000020000\r\n"
    "   /rom@etc/table-loader    4 KiB  0x0000000058280000 0x0000000000001000 "
    "0x0000000000010000\r\n"
    "      /rom@etc/acpi/rsdp    4 KiB  0x00000000582c0000 0x0000000000001000 "
    "0x0000000000001000\r\n";

// info mtree -f
inline constexpr char kFlatViewText[] =
    "FlatView #0\r\n"
    " AS \"I/O\", root: io\r\n"
    " Root memory region: io\r\n"
    "  0000000000000000-0000000000000007 (prio 0, i/o): dma-chan\r\n"
    "  0000000000000008-000000000000000f (prio 0, i/o): dma-cont\r\n"
    "  00000000000000c0-00000000000000cf (prio 0, i/o): dma-chan\r\n"
    "  00000000000000d0-00000000000000df (prio 0, i/o): dma-cont\r\n"
    "\r\n"
    "FlatView #1\r\n"
    " AS \"cpu-smm-0\", root: memory\r\n"
    " Root memory region: memory\r\n"
    "  0000000000000000-00000000000bffff (prio 0, ram): a\r\n"
    "  00000000000c0000-00000000000dffff (prio 1, rom): pc.rom\r\n"
    "  00000000000e0000-00000000000fffff (prio 0, rom): pc.bios @0000000000020000\r\n"
    "  0000000000100000-0000000007ffffff (prio 0, ram): a @0000000000100000\r\n"
    "  0000000008000000-000000000fffffff (prio 0, ram): b\r\n"
    "  00000000fec00000-00000000fec00fff (prio 0, i/o): ioapic\r\n"
    "  00000000fed00000-00000000fed003ff (prio 0, i/o): hpet\r\n"
    "  00000000fffc0000-00000000ffffffff (prio 0, rom): pc.bios\r\n"
    "  0000000100000000-0000000107ffffff (prio 0, ram): mem1\r\n"
    "  0000000108000000-0000000147ffffff (prio 0, ram): vm0\r\n"
    "\r\n"
    "FlatView #2\r\n"
    " AS \"memory\", root: system\r\n"
    " AS \"cpu-memory-0\", root: system\r\n"
    " Root memory region: system\r\n"
    "  0000000000000000-00000000000bffff (prio 0, ram): a\r\n"
    "  00000000000c0000-00000000000dffff (prio 1, rom): pc.rom\r\n"
    "  00000000000e0000-00000000000fffff (prio 0, rom): pc.bios @0000000000020000\r\n"
    "  0000000000100000-0000000007ffffff (prio 0, ram): a @0000000000100000\r\n"
    "  0000000008000000-000000000fffffff (prio 0, ram): b\r\n"
    "  00000000fec00000-00000000fec00fff (prio 0, i/o): ioapic\r\n"
    "  00000000fed00000-00000000fed003ff (prio 0, i/o): hpet\r\n"
    "  00000000fffc0000-00000000ffffffff (prio 0, rom): pc.bios\r\n"
    "  0000000100000000-0000000107ffffff (prio 0, ram): mem1\r\n"
    "  0000000108000000-0000000147ffffff (prio 0, ram): vm0\r\n"
    "\r\n"
    "FlatView #3\r\n"
    " AS \"i440FX\", root: bus master container\r\n"
    " AS \"PIIX3\", root: bus master container\r\n"
    " AS \"piix3-ide\", root: bus master container\r\n"
    " AS \"PIIX4_PM\", root: bus master container\r\n"
    " AS \"virtio-mem-pci\", root: bus master container\r\n"
    " Root memory region: (none)\r\n"
    "  No rendered FlatView\r\n"
    "\r\n";

// query-memdev
inline constexpr char kBackendsJson[] =
    R"([{"share": true, "reserve": true, "prealloc": false, "host-nodes": [], "size": 1073741824, "merge": true, "dump": true, "policy": "default", "id": "vm0"}, {"share": true, "reserve": true, "prealloc": false, "host-nodes": [], "size": 134217728, "merge": true, "dump": true, "policy": "default", "id": "a"}, {"share": false, "reserve": true, "prealloc": false, "host-nodes": [], "size": 134217728, "merge": true, "dump": true, "policy": "default", "id": "mem1"}, {"share": false, "reserve": true, "prealloc": false, "host-nodes": [], "size": 134217728, "merge": true, "dump": true, "policy": "default", "id": "b"}])";

// query-memory-devices
inline constexpr char kMemoryDevicesJson[] =
    R"([{"type": "dimm", "data": {"memdev": "/objects/mem1", "hotplugged": false, "addr": 4294967296, "hotpluggable": true, "size": 134217728, "slot": 0, "node": 0, "id": "dimm1"}}, {"type": "virtio-mem", "data": {"memdev": "/objects/vm0", "memaddr": 4429185024, "block-size": 2097152, "size": 0, "node": 0, "max-size": 1073741824, "requested-size": 536870912, "id": "v0"}}])";

}  // namespace pagemapd

#endif  // PAGEMAPD_CLI_VM_MONITOR_CAPTURES_H_
