/** How much of a text message a text takes. Pure. */

/** The basic character set of GSM (3GPP TS 23.038, section 6.2.1). */
const basic = new Set(
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà",
);
/** Its extension (section 6.2.1.1): each of these takes the place of two characters. */
const extension = new Set("^{}\\[~]|€\f");

/** The octets that fit into one text message. */
export const smsOctets = 140;

/** The octets of a text: seven bits a character if GSM's alphabet has all of them, else UCS-2. */
export function sizeOfSms(text: string): number {
  let septets = 0;
  for (const character of text) {
    if (basic.has(character)) septets += 1;
    else if (extension.has(character)) septets += 2;
    else return text.length * 2;
  }
  return Math.ceil((septets * 7) / 8);
}
