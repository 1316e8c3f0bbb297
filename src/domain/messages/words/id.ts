import type { MessageWords } from "./en.ts";

const note = "Jika Anda tidak meminta pesan ini, abaikan saja.";
const unexpected = "Jika Anda tidak mengharapkan pesan ini, abaikan saja.";
const verification = { subject: "Kode verifikasi Anda", body: "Kode verifikasi Anda adalah {####}", note };
const authentication = { subject: "Kode masuk Anda", body: "Kode masuk Anda adalah {####}.", title: "Masuk" };

export const id: MessageWords = {
  code: {
    ...verification,
    title: "Konfirmasi akun Anda",
    intro: "Masukkan kode ini untuk mengonfirmasi akun Anda.",
  },
  link: {
    subject: "Tautan verifikasi Anda",
    body: "Klik tautan di bawah ini untuk memverifikasi alamat email Anda. {##Verifikasi Email##}",
    title: "Konfirmasi akun Anda",
    intro: "Buka tautan ini untuk memverifikasi alamat email Anda.",
    note,
  },
  reset: {
    subject: "Kode untuk kata sandi baru Anda",
    body: "Kode untuk kata sandi baru Anda adalah {####}",
    title: "Tetapkan kata sandi baru",
    intro: "Masukkan kode ini untuk menetapkan kata sandi baru.",
    note,
  },
  attribute: {
    ...verification,
    title: "Konfirmasi alamat email Anda",
    intro: "Masukkan kode ini untuk mengonfirmasi alamat email Anda.",
  },
  signIn: {
    ...authentication,
    intro: "Masukkan kode ini untuk masuk. Jangan bagikan kepada siapa pun.",
    note,
  },
  mfa: {
    ...authentication,
    intro: "Masukkan kode ini untuk menyelesaikan proses masuk. Jangan bagikan kepada siapa pun.",
    note: "Jika Anda tidak sedang masuk, orang lain mengetahui kata sandi Anda. Segera ganti.",
  },
  invitation: {
    subject: "Kata sandi sementara Anda",
    body: "Nama pengguna Anda adalah {username} dan kata sandi sementara Anda adalah {####}",
    title: "Selamat datang",
    intro:
      "Sebuah akun telah dibuat untuk Anda. Masuk dengan kata sandi sementara ini, lalu pilih kata sandi Anda sendiri.",
    rows: { username: "Nama pengguna", code: "Kata sandi sementara" },
    note: unexpected,
  },
  welcome: {
    subject: "Akun Anda",
    body: "Nama pengguna Anda adalah {username}.",
    title: "Selamat datang",
    intro: "Sebuah akun telah dibuat untuk Anda.",
    rows: { username: "Nama pengguna" },
    note: unexpected,
  },
};
