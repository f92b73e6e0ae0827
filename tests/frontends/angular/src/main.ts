// Six calls at once when the page opens, and one for each click.
import { provideHttpClient, HttpClient, HttpErrorResponse } from "@angular/common/http";
import { Component, inject, provideZonelessChangeDetection, signal } from "@angular/core";
import { bootstrapApplication } from "@angular/platform-browser";
import { firstValueFrom } from "rxjs";

@Component({
  selector: "shop-page",
  template: `<button id="again" (click)="again()">again</button><pre id="seen">{{ seen() }}</pre>`,
})
class ShopPage {
  private readonly http = inject(HttpClient);
  readonly seen = signal("...");

  constructor() {
    Promise.all([1, 2, 3, 4, 5, 6].map((n) => this.call(`start/${n}`))).then((all) => this.seen.set(all.join(" ")));
  }

  async again(): Promise<void> {
    this.seen.set("...");
    this.seen.set(`now ${await this.call("again")}`);
  }

  private async call(path: string): Promise<string> {
    try {
      return (await firstValueFrom(this.http.get<{ from: string }>(`/api/shop/${path}`))).from;
    } catch (error) {
      return String((error as HttpErrorResponse).status);
    }
  }
}

bootstrapApplication(ShopPage, { providers: [provideHttpClient(), provideZonelessChangeDetection()] });
