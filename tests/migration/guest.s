# Firmware of a guest whose memory is known: it stands in place of a BIOS, so that nothing else writes
# there.
#
# Enters 32-bit protected mode, writes each dword of RAM as its physical address times MULTIPLIER,
# leaving out the hole from 640 KiB to 1 MiB, and writes 'F' to the debug console. Then it halts with
# interrupts off, and takes no CPU. guest_memory.h has the same rule.
#
# RAM_BYTES and HOT_PAGES are given to the assembler. Where HOT_PAGES is not 0, the guest does not halt
# but reads so many pages from 16 MiB on, over and over, and changes nothing.
#
# It is a ROM of 64 KiB, whose last byte is the last one below 1 MiB, and below 4 GiB as well. There is
# no stack.
        .set    MULTIPLIER, 0x9e3779b1
        .set    HOLE_START, 0xa0000
        .set    HOLE_END, 0x100000
        .set    HOT_START, 0x1000000
        .set    DEBUG_CONSOLE, 0xe9
        .set    ROM, 0xf0000

# Sixteen bytes a round. eax is the next dword to write.
        .macro  fill from, to
        mov     $\from, %edi
        mov     $(\from * MULTIPLIER) & 0xffffffff, %eax
1:
        .irp    offset, 0, 4, 8, 12
        mov     %eax, \offset(%edi)
        add     $(4 * MULTIPLIER) & 0xffffffff, %eax
        .endr
        add     $16, %edi
        cmp     $\to, %edi
        jb      1b
        .endm

        .text
        .code16
start:
        cli
        lgdtl   %cs:(gdt_pointer - start)
        mov     %cr0, %eax
        or      $1, %al
        mov     %eax, %cr0
        ljmpl   $8, $(ROM + protected - start)

        .code32
protected:
        mov     $16, %eax
        mov     %eax, %ds

        fill    0, HOLE_START
        fill    HOLE_END, RAM_BYTES

        mov     $'F', %al
        out     %al, $DEBUG_CONSOLE

.if HOT_PAGES
again:
        mov     $HOT_START, %edi
        mov     $HOT_PAGES, %ecx
read:
        mov     (%edi), %eax
        add     $4096, %edi
        loop    read
        jmp     again
.endif
halt:
        hlt
        jmp     halt

# Nothing, code, data: flat, 4 GiB, of ring 0.
        .balign 8
gdt:
        .quad   0
        .quad   0x00cf9a000000ffff
        .quad   0x00cf92000000ffff
gdt_pointer:
        .word   gdt_pointer - gdt - 1
        .long   ROM + gdt - start

# Where the processor starts: 16 bytes from the end.
        .code16
        .org    0xfff0
        ljmp    $(ROM >> 4), $0
        .org    0x10000
